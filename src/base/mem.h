/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_MEM_H
#define BASE_MEM_H
/*
 * Allocation for our own small objects. There is no useful answer to "no memory for 80 bytes",
 * so these abort, in one place; what an outsider can make grow is bounded by limits instead.
 * Memory is given back with free().
 */
#include <stddef.h>

void *mem_alloc(size_t size);
void *mem_zalloc(size_t size); /* zero-filled */
void *mem_realloc(void *memory, size_t size);
char *mem_strdup(const char *text);                 /* NULL stays NULL */
char *mem_strndup(const char *text, size_t length); /* adds the terminating NUL */

/* Ends the process: size bytes were refused. For memory that others ask for on our behalf. */
_Noreturn void mem_fail(size_t size);

/* Of the items of an array. */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define container_of(pointer, type, member)                                                        \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
