/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_BUF_H
#define BASE_BUF_H
/*
 * A growable byte buffer. Zero-filled is empty and valid, and holds no memory. What outsiders
 * write into one is bounded by whoever appends.
 */
#include <stdarg.h>
#include <stddef.h>

struct bytes;

struct buf {
    char *data; /* NULL while capacity is 0; else a NUL follows data[length - 1] */
    size_t length;
    size_t capacity;
};

#define BUF_INIT                                                                                   \
    {                                                                                              \
        NULL, 0, 0                                                                                 \
    }

void buf_reserve(struct buf *buf, size_t more); /* room for more bytes (and a NUL) behind length */
void buf_append(struct buf *buf, const void *data, size_t length);
void buf_append_str(struct buf *buf, const char *text);
void buf_append_char(struct buf *buf, char c);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_consume(struct buf *buf, size_t length); /* drops bytes at the front */
void buf_clear(struct buf *buf);                  /* length 0, keeps the memory */
void buf_release(struct buf *buf);                /* gives the memory back; empty and valid after */
const char *buf_str(const struct buf *buf);       /* NUL-terminated, "" when empty; borrowed */
char *buf_detach(struct buf *buf);                /* the caller frees it; never NULL */
struct bytes *buf_freeze(struct buf *buf);        /* a copy as bytes; the buffer is released */

#endif
