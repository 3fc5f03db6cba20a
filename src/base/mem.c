/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"

#define CACHED 1032u

_Noreturn void mem_fail(size_t size)
{
    char line[64];
    int length = snprintf(line, sizeof(line), "out of memory: %zu bytes refused\n", size);

    /* Not through the log: it may be the one that asked. */
    if (write(STDERR_FILENO, line, (size_t)length) < 0)
        abort();
    abort();
}

void *mem_alloc(size_t size)
{
    void *memory = fault_allocation(FAULT_OWN) ? NULL : malloc(size > 0 ? size : 1);

    if (memory == NULL)
        mem_fail(size);
    return memory;
}

/* glibc before 2.41 has zeroed memory in no cache of a thread: what it would have there is zeroed
 * here. */
void *mem_zalloc(size_t size)
{
    void *memory;

    if (size <= CACHED)
        return memset(mem_alloc(size), 0, size);
    memory = fault_allocation(FAULT_OWN) ? NULL : calloc(1, size);
    if (memory == NULL)
        mem_fail(size);
    return memory;
}

void *mem_realloc(void *memory, size_t size)
{
    void *moved = fault_allocation(FAULT_OWN) ? NULL : realloc(memory, size > 0 ? size : 1);

    if (moved == NULL)
        mem_fail(size);
    return moved;
}

char *mem_strdup(const char *text)
{
    return text != NULL ? mem_strndup(text, strlen(text)) : NULL;
}

char *mem_strndup(const char *text, size_t length)
{
    char *copy;

    if (length == SIZE_MAX)
        mem_fail(length);
    copy = mem_alloc(length + 1);
    if (length > 0)
        memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}
