/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H
/* UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Length of the well-formed character at text (1 to 4), or 0 when there is none. */
size_t utf8_char_length(const char *text, size_t length);
bool utf8_is_valid(const char *text, size_t length);
/* How long the byte order mark is at the beginning of a text: 0 or 3. */
size_t utf8_mark_length(const char *text, size_t length);
/* Writes the character, of at most 21 bits, to 1 to 4 bytes, and returns how many. Whether it is
 * one is not asked. */
size_t utf8_encode(uint32_t character, char *to);

#endif
