/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static _Noreturn void out_of_memory(size_t size)
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
    void *memory = malloc(size > 0 ? size : 1);

    if (memory == NULL)
        out_of_memory(size);
    return memory;
}

void *mem_zalloc(size_t size)
{
    void *memory = calloc(1, size > 0 ? size : 1);

    if (memory == NULL)
        out_of_memory(size);
    return memory;
}

void *mem_realloc(void *memory, size_t size)
{
    void *moved = realloc(memory, size > 0 ? size : 1);

    if (moved == NULL)
        out_of_memory(size);
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
        out_of_memory(length);
    copy = mem_alloc(length + 1);
    if (length > 0)
        memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}
