/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_MULTIPART_H
#define H2_MULTIPART_H
/*
 * multipart/form-data (RFC 7578, RFC 2046 5.1) parsed as it streams in: knows no files and holds no
 * more than one part's headers and a boundary's length of data.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct h2_multipart;

struct h2_multipart_limits {
    size_t parts;        /* 64 */
    size_t part_headers; /* 8 */
    size_t header_bytes; /* 2048, each */
};

/* Valid during on_part only. Decoded: quoted-string escapes and percent-encoded quotes as browsers
 * send them; texts are valid UTF-8 without control characters. */
struct h2_multipart_part {
    const char *name;      /* never NULL: a part without one is an error */
    const char *file_name; /* NULL for a plain field; a base name without any '/' or '\', <= 255 */
    const char *content_type; /* "text/plain" when the part says nothing */
};

struct h2_multipart_handler {
    /* Each returns 0, or a negative errno that stops the parser and comes back from _feed. */
    int (*on_part)(void *context, const struct h2_multipart_part *part);
    int (*on_data)(void *context, const char *data, size_t length);
    int (*on_part_end)(void *context);
};

/* content_type is the request's field. NULL when it is not multipart/form-data or its boundary is
 * missing, longer than 70 or ill-formed; then *fault tells which (static text). */
struct h2_multipart *h2_multipart_new(const char *content_type,
                                      const struct h2_multipart_limits *limits,
                                      const struct h2_multipart_handler *handler, void *context,
                                      const char **fault);
void h2_multipart_free(struct h2_multipart *multipart);

/* 0; -EPROTO malformed, -E2BIG a limit of ours: then h2_multipart_fault() tells what and where; or
 * what a handler returned. After an error the parser takes nothing more. */
int h2_multipart_feed(struct h2_multipart *multipart, const char *data, size_t length);

/* 0 when the closing boundary was seen and at least one part; else -EPROTO. */
int h2_multipart_finish(struct h2_multipart *multipart);

/* A sentence with part number and byte offset, fit for the sender. Borrowed. */
const char *h2_multipart_fault(const struct h2_multipart *multipart);

#endif
