/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_SWAR_H
#define BASE_SWAR_H
/* Eight bytes of a text at once ("SIMD within a register"): is one of these among them? */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define SWAR_SIZE       sizeof(uint64_t)
#define SWAR_EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

static inline uint64_t swar_load(const char *text)
{
    uint64_t bytes;

    memcpy(&bytes, text, sizeof(bytes));
    return bytes;
}

static inline bool swar_is_ascii(uint64_t bytes)
{
    return (bytes & SWAR_EACH(0x80)) == 0;
}

static inline bool swar_has(uint64_t bytes, unsigned char byte)
{
    bytes ^= SWAR_EACH(byte);
    return ((bytes - SWAR_EACH(1)) & ~bytes & SWAR_EACH(0x80)) != 0;
}

/* Of ASCII: is one of them below this one? */
static inline bool swar_has_below(uint64_t bytes, unsigned char byte)
{
    return ((bytes - SWAR_EACH(byte)) & ~bytes & SWAR_EACH(0x80)) != 0;
}

#endif
