/* SPDX-License-Identifier: Apache-2.0 */
#include "server/libraries.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"

/* SQLite asks how large a piece of its memory is: that stands in front of it. */
#define HEAD 16u

static void *store_malloc(int size)
{
    char *memory = size <= 0 || fault_allocation(FAULT_STORE) ? NULL : malloc((size_t)size + HEAD);

    if (!memory)
        return NULL;
    memcpy(memory, &size, sizeof(size));
    return memory + HEAD;
}

static int store_size(void *memory)
{
    int size = 0;

    if (memory)
        memcpy(&size, (char *)memory - HEAD, sizeof(size));
    return size;
}

static void store_free(void *memory)
{
    if (memory)
        free((char *)memory - HEAD);
}

static void *store_realloc(void *memory, int size)
{
    const int before = store_size(memory);
    void *moved = store_malloc(size);

    if (!moved)
        return NULL;
    memcpy(moved, memory, (size_t)(before < size ? before : size));
    store_free(memory);
    return moved;
}

static int store_round(int size)
{
    return (size + 7) & ~7;
}

static int store_init(void *context)
{
    (void)context;
    return SQLITE_OK;
}

static void store_shutdown(void *context)
{
    (void)context;
}

void libraries_prepare(void)
{
    static const struct sqlite3_mem_methods store = {.xMalloc = store_malloc,
                                                     .xFree = store_free,
                                                     .xRealloc = store_realloc,
                                                     .xSize = store_size,
                                                     .xRoundup = store_round,
                                                     .xInit = store_init,
                                                     .xShutdown = store_shutdown};

    json_init();
    (void)sqlite3_config(SQLITE_CONFIG_MALLOC, &store);
}
