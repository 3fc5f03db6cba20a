/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_JSON_RAW_H
#define BASE_JSON_RAW_H
/*
 * JSON that is passed on and never looked into: token by token as its writer wrote it, so that
 * escapes, long numbers, duplicate keys and half surrogates come out as they went in. The grammar
 * is checked, whole (RFC 8259); only white space between tokens goes.
 */
#include <stdbool.h>
#include <stddef.h>

#define JSON_RAW_MAX_DEPTH 512u

/* Reads the value that begins at text[*at], behind white space; *at is then behind it. Its tokens
 * go to compact, unless that is NULL, which has room for the rest of the text, and their length to
 * *written. NULL; or what is wrong, and *at says where. */
const char *json_raw_read(const char *text, size_t length, size_t *at, char *compact,
                          size_t *written);

/* How many bytes at the start of a string's rest are ASCII and stand for themselves, for sure: a
 * multiple of eight, so that they are told in a few steps. */
size_t json_raw_plain(const char *text, size_t length);

/* Whether the text is one value and nothing else. */
bool json_raw_is_value(const char *text, size_t length);

/* Calls on_key with each key of an object that was read before: raw is its tokens, and ends with a
 * NUL. A key ends at a NUL in it; one of more than 4 KiB is left out. */
void json_raw_each_key(const char *raw, void (*on_key)(void *context, const char *key),
                       void *context);

/* The text that a string stands for, which was read before: raw begins and ends with a quote. It
 * goes to text, which has room for as many bytes; its length is returned. Half a surrogate is
 * U+FFFD. */
size_t json_raw_text(const char *raw, size_t length, char *text);

#endif
