/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

#include "base/swar.h"

/* What may follow a first byte (RFC 3629, section 4): the second byte's range rules out overlong
 * forms (E0, F0), surrogates (ED) and what lies above U+10FFFF (F4). */
struct lead {
    uint8_t length; /* 0: no character begins so */
    uint8_t low;
    uint8_t high;
};

static struct lead lead_of(uint8_t byte)
{
    if (byte < 0x80)
        return (struct lead){1, 0, 0};
    if (byte < 0xC2 || byte > 0xF4)
        return (struct lead){0, 0, 0};
    if (byte < 0xE0)
        return (struct lead){2, 0x80, 0xBF};
    if (byte < 0xF0)
        return (struct lead){3, byte == 0xE0 ? 0xA0 : 0x80, byte == 0xED ? 0x9F : 0xBF};
    return (struct lead){4, byte == 0xF0 ? 0x90 : 0x80, byte == 0xF4 ? 0x8F : 0xBF};
}

size_t utf8_char_length(const char *text, size_t length)
{
    const uint8_t *at = (const uint8_t *)text;
    struct lead lead;

    if (length == 0)
        return 0;
    lead = lead_of(at[0]);
    if (lead.length <= 1)
        return lead.length;
    if (lead.length > length || at[1] < lead.low || at[1] > lead.high)
        return 0;
    for (size_t i = 2; i < lead.length; i++)
        if ((at[i] & 0xC0) != 0x80)
            return 0;
    return lead.length;
}

bool utf8_is_valid(const char *text, size_t length)
{
    for (size_t at = 0, step; at < length; at += step) {
        step = SWAR_SIZE;
        if (length - at < step || !swar_is_ascii(swar_load(text + at)))
            step = utf8_char_length(text + at, length - at);
        if (step == 0)
            return false;
    }
    return true;
}

size_t utf8_encode(uint32_t character, char *to)
{
    if (character < 0x80) {
        to[0] = (char)character;
        return 1;
    }
    if (character < 0x800) {
        to[0] = (char)(0xC0 | character >> 6);
        to[1] = (char)(0x80 | (character & 0x3F));
        return 2;
    }
    if (character < 0x10000) {
        to[0] = (char)(0xE0 | character >> 12);
        to[1] = (char)(0x80 | (character >> 6 & 0x3F));
        to[2] = (char)(0x80 | (character & 0x3F));
        return 3;
    }
    to[0] = (char)(0xF0 | character >> 18);
    to[1] = (char)(0x80 | (character >> 12 & 0x3F));
    to[2] = (char)(0x80 | (character >> 6 & 0x3F));
    to[3] = (char)(0x80 | (character & 0x3F));
    return 4;
}

size_t utf8_mark_length(const char *text, size_t length)
{
    static const char mark[] = "\xef\xbb\xbf";

    return length >= sizeof(mark) - 1 && memcmp(text, mark, sizeof(mark) - 1) == 0
               ? sizeof(mark) - 1
               : 0;
}
