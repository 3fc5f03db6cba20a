/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H
/* What texts consist of: characters, words, digits, base64; and eight bytes of a text at once. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

struct buf;

/* ---- UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF ---- */

/* Length of the well-formed character at text (1 to 4), or 0 when there is none. */
size_t utf8_char_length(const char *text, size_t length);
bool utf8_is_valid(const char *text, size_t length);
/* How long the byte order mark is at the beginning of a text: 0 or 3. */
size_t utf8_mark_length(const char *text, size_t length);
/* Writes the character, of at most 21 bits, to 1 to 4 bytes, and returns how many. Whether it is
 * one is not asked. */
size_t utf8_encode(uint32_t character, char *to);

/* ---- lists of words in one text, parted by commas: "send, query". Blanks around a word do not
 * count, empty words are none ---- */

struct word {
    const char *text; /* lies in the list; not NUL-terminated */
    size_t length;
};

/* The next word of *rest, which moves behind it. False at the end. */
bool words_next(const char **rest, struct word *word);

bool word_is(const struct word *word, const char *text);
size_t words_count(const char *words);
bool words_have(const char *words, const char *text);
bool texts_have(const char *const *texts, size_t count, const char *text);
/* A bit for each of the words, by its place in known. False: one is not there; *unknown is it. */
bool words_mask(const char *words, const char *const *known, size_t count, unsigned *mask,
                struct word *unknown);

/* ---- whole numbers as texts, where there are so many of them that printf() is too slow ---- */

#define DIGITS_SIZE 21u /* of the longest number, and a NUL */

/* Writes the number in base 10 or 16 with a NUL behind it; its length without that. */
size_t digits_write(char to[DIGITS_SIZE], uint64_t number, unsigned base);

/* The value of a hexadecimal digit in lower case; -1: it is none. */
int digits_hex(char c);
/* That of so many of them, in either case; -1: one is none. */
int digits_hex_value(const char *text, size_t count);

/* ---- base64 (RFC 4648), read strictly: each sequence of bytes has one text. Nothing but the
 * alphabet, no white space, and no bits that do not count; so nobody can change a text and keep its
 * meaning ---- */

enum base64_form {
    BASE64,    /* '+' and '/', filled up with '=' */
    BASE64_URL /* '-' and '_', not filled up */
};

/* Room that is enough for what a text of that length says. */
#define BASE64_SPACE(length) ((length) / 4 * 3 + 3)

/* Appends the text that stands for the bytes. */
void base64_encode(enum base64_form form, const void *bytes, size_t length, struct buf *to);

/* Writes the bytes and returns how many, or -EINVAL. */
ssize_t base64_decode(enum base64_form form, const char *text, size_t length, void *bytes);

/* ---- eight bytes at once ("SIMD within a register"): is one of these among them? ---- */

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
