/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H
/*
 * Immutable, reference-counted bytes. The count is atomic: bytes cross threads, which is how one
 * encoded event serves the connections of every worker.
 */
#include <stdatomic.h>
#include <stddef.h>

struct bytes {
    atomic_uint refs;
    size_t length;
    char data[]; /* a NUL follows, not counted */
};

struct bytes *bytes_new(const void *data, size_t length); /* born with one reference */
struct bytes *bytes_ref(struct bytes *bytes);

/* Accepts NULL. Always returns NULL, so that callers write b = bytes_unref(b). */
struct bytes *bytes_unref(struct bytes *bytes);

#endif
