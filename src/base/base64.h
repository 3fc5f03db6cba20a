/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H
/*
 * Base64 (RFC 4648), read strictly: each sequence of bytes has one text. Nothing but the alphabet,
 * no white space, and no bits that do not count; so nobody can change a text and keep its meaning.
 */
#include <stddef.h>
#include <sys/types.h>

struct buf;

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

#endif
