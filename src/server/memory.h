/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_MEMORY_H
#define SERVER_MEMORY_H
/*
 * Gives memory back to the system when a peak has passed: what 15,000 clients needed would else
 * stay with the process for ever, since glibc returns the end of a heap only.
 */
#include <stdbool.h>
#include <stddef.h>

/* Bytes that are resident and in no use: fewer are not worth the time. */
#define MEMORY_MARGIN ((size_t)16 * 1024 * 1024)

/* Zero-filled to begin with. */
struct memory {
    size_t kept;  /* bytes that the last time has not freed: what is between others in use */
    bool was_due; /* at the check before */
};

/* Checks, and gives back what it finds. Every few seconds, of a thread that may take its time:
 * while it works on the heap of another thread, that one cannot allocate. */
void memory_check(struct memory *memory);

/* Whether it is time: at the second check in a row with so much unused. resident: without files;
 * in_use: of that, what was allocated. */
bool memory_is_due(struct memory *memory, size_t resident, size_t in_use);

#endif
