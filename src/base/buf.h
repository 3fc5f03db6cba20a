/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_BUF_H
#define BASE_BUF_H
/*
 * A growable byte buffer. Zero-filled is empty and valid, and holds no memory. What outsiders
 * write into one is bounded by whoever appends. And bytes that do not change.
 */
#include <stdatomic.h>
#include <stddef.h>

/* Immutable, reference-counted. The count is atomic: bytes cross threads, which is how one encoded
 * event serves the connections of every worker. */
struct bytes {
    atomic_uint refs;
    size_t length;
    char data[]; /* a NUL follows, not counted */
};

struct bytes *bytes_new(const void *data, size_t length); /* born with one reference */
struct bytes *bytes_ref(struct bytes *bytes);

/* Accepts NULL. Always returns NULL, so that callers write b = bytes_unref(b). */
struct bytes *bytes_unref(struct bytes *bytes);

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
