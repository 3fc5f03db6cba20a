/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <ctype.h>
#include <errno.h>

#include "base/buf.h"

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
    static const uint8_t leads[] = {0, 0, 0xC0, 0xE0, 0xF0};
    const size_t length = 1u + (character >= 0x80) + (character >= 0x800) + (character >= 0x10000);

    for (size_t i = length - 1; i > 0; i--, character >>= 6)
        to[i] = (char)(0x80 | (character & 0x3F));
    to[0] = (char)(leads[length] | character);
    return length;
}

size_t utf8_mark_length(const char *text, size_t length)
{
    return length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

#define BLANKS " \t"

bool words_next(const char **rest, struct word *word)
{
    while (**rest != '\0') {
        const char *text = *rest + strspn(*rest, BLANKS);
        size_t length = strcspn(text, ",");

        *rest = text + length + (text[length] == ',' ? 1 : 0);
        while (length > 0 && strchr(BLANKS, text[length - 1]))
            length--;
        if (length > 0) {
            *word = (struct word){text, length};
            return true;
        }
    }
    return false;
}

bool word_is(const struct word *word, const char *text)
{
    return strlen(text) == word->length && memcmp(word->text, text, word->length) == 0;
}

bool words_have(const char *words, const char *text)
{
    struct word word;

    while (words_next(&words, &word)) {
        if (word_is(&word, text))
            return true;
    }
    return false;
}

size_t words_count(const char *words)
{
    struct word word;
    size_t count = 0;

    while (words_next(&words, &word))
        count++;
    return count;
}

bool texts_have(const char *const *texts, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(texts[i], text) == 0)
            return true;
    }
    return false;
}

bool words_mask(const char *words, const char *const *known, size_t count, unsigned *mask,
                struct word *unknown)
{
    struct word word;

    *mask = 0;
    while (words_next(&words, &word)) {
        size_t i = 0;

        while (i < count && !word_is(&word, known[i]))
            i++;
        if (i == count) {
            *unknown = word;
            return false;
        }
        *mask |= 1u << i;
    }
    return true;
}

size_t digits_write(char to[DIGITS_SIZE], uint64_t number, unsigned base)
{
    char reversed[DIGITS_SIZE];
    size_t at = sizeof(reversed) - 1;
    size_t length;

    reversed[at] = '\0';
    do
        reversed[--at] = "0123456789abcdef"[number % base];
    while ((number /= base) > 0);
    length = sizeof(reversed) - 1 - at;
    memcpy(to, reversed + at, length + 1);
    return length;
}

int digits_hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int digits_hex_value(const char *text, size_t count)
{
    int value = 0;

    for (size_t i = 0; i < count; i++) {
        const int digit = digits_hex((char)tolower((unsigned char)text[i]));

        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* ---- base64 ---- */

#define BITS    6u
#define LETTERS 64u

static const char alphabets[][65] = {
    [BASE64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    [BASE64_URL] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
};

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
        const char *letter = memchr(alphabets[form], text[i], LETTERS);

        if (!letter)
            return -EINVAL;
        bits = (bits << BITS | (uint32_t)(letter - alphabets[form])) & 0xffff;
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
            buf_append_char(to, alphabets[form][group >> (18 - 6 * i) & 0x3f]);
        for (size_t i = rest; form == BASE64 && i < 3; i++)
            buf_append_char(to, '=');
    }
}
