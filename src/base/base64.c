/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

#include <errno.h>
#include <stdint.h>

#include "base/buf.h"

#define BITS 6u

/* -1: not of the alphabet. */
static int value_of(enum base64_form form, char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == (form == BASE64_URL ? '-' : '+'))
        return 62;
    return c == (form == BASE64_URL ? '_' : '/') ? 63 : -1;
}

static char letter(enum base64_form form, uint32_t value)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    if (value < 62)
        return letters[value];
    if (form == BASE64_URL)
        return value == 62 ? '-' : '_';
    return value == 62 ? '+' : '/';
}

static size_t count_padding(const char *text, size_t length)
{
    size_t count = 0;

    while (count < 2 && count < length && text[length - 1 - count] == '=')
        count++;
    return count;
}

ssize_t base64_decode(enum base64_form form, const char *text, size_t length, void *bytes)
{
    uint8_t *to = bytes;
    uint32_t bits = 0;
    unsigned held = 0;
    ssize_t count = 0;

    if (form == BASE64) {
        if (length % 4 != 0)
            return -EINVAL;
        length -= count_padding(text, length);
    }
    if (length % 4 == 1)
        return -EINVAL;
    for (size_t i = 0; i < length; i++) {
        int value = value_of(form, text[i]);

        if (value < 0)
            return -EINVAL;
        bits = (bits << BITS | (uint32_t)value) & 0xffff;
        held += BITS;
        if (held >= 8) {
            held -= 8;
            to[count++] = (uint8_t)(bits >> held);
        }
    }
    return (bits & ((1u << held) - 1)) == 0 ? count : -EINVAL;
}

void base64_encode(enum base64_form form, const void *bytes, size_t length, struct buf *to)
{
    const unsigned char *from = bytes;

    buf_reserve(to, length / 3 * 4 + 4);
    for (size_t at = 0; at < length; at += 3) {
        const size_t rest = length - at < 3 ? length - at : 3;
        const uint32_t group = (uint32_t)from[at] << 16 |
                               (rest > 1 ? (uint32_t)from[at + 1] << 8 : 0) |
                               (rest > 2 ? from[at + 2] : 0);

        for (size_t i = 0; i <= rest; i++)
            buf_append_char(to, letter(form, group >> (18 - 6 * i) & 0x3f));
        for (size_t i = rest; form == BASE64 && i < 3; i++)
            buf_append_char(to, '=');
    }
}
