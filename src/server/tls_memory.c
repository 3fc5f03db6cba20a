/* SPDX-License-Identifier: Apache-2.0 */
#include "server/tls_memory.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/fault.h"

/* A record and what OpenSSL puts around it. */
#define RECORD_LEAST 16384u
#define RECORD_MOST  18432u

static pthread_key_t spare; /* of the thread's, freed at its end */

static bool is_record(size_t size)
{
    return size >= RECORD_LEAST && size <= RECORD_MOST;
}

/* NULL: there is none that is large enough. */
static void *take_spare(size_t size)
{
    void *record = pthread_getspecific(spare);

    if (!record || malloc_usable_size(record) < size)
        return NULL;
    (void)pthread_setspecific(spare, NULL);
    return record;
}

static bool keep_spare(void *record)
{
    return !pthread_getspecific(spare) && pthread_setspecific(spare, record) == 0;
}

static void *allocate(size_t size, const char *file, int line)
{
    void *record;

    (void)file;
    (void)line;
    if (fault_allocation(FAULT_TLS))
        return NULL;
    record = is_record(size) ? take_spare(size) : NULL;
    return record ? record : malloc(size);
}

static void *reallocate(void *memory, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return fault_allocation(FAULT_TLS) ? NULL : realloc(memory, size);
}

static void give_back(void *memory, const char *file, int line)
{
    (void)file;
    (void)line;
    if (!is_record(malloc_usable_size(memory)) || !keep_spare(memory))
        free(memory);
}

void tls_memory_begin(void)
{
    if (pthread_key_create(&spare, free) == 0)
        (void)CRYPTO_set_mem_functions(allocate, reallocate, give_back);
}
