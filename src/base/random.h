/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H
/* Randomness from the kernel, through a buffer per thread. Aborts when the kernel has none. */
#include <stddef.h>
#include <stdint.h>

void random_bytes(void *to, size_t length);

/* 2 * length hex digits and a NUL. */
void random_hex(char *to, size_t length);

/* Uniform in [low, high]. */
uint64_t random_between(uint64_t low, uint64_t high);

#endif
