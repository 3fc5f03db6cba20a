/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_STATIC_H
#define H2_STATIC_H
/*
 * Files that are compiled into the program, with their precompressed forms and their ETag.
 * Negotiates content-encoding (br, gzip, identity) and answers If-None-Match (RFC 9110 13.1.2).
 */
#include <stddef.h>

struct bytes;
struct h2_field;
struct h2_stream;

#define H2_STATIC_MAX_EXTRA 12u

/* The bodies lie in the program's data with one reference that is never given back, so that an
 * answer refers to them and copies nothing. */
struct h2_asset {
    const char *name; /* "client.js", "demo/index.html" */
    const char *content_type;
    const char *etag;       /* quoted, of the identity form; other forms add their own suffix */
    struct bytes *identity; /* never NULL */
    struct bytes *gzip;     /* NULL: this form does not exist */
    struct bytes *brotli;
};

/* The table that CMake generates from js/ and web/. NULL when there is no such name. */
const struct h2_asset *h2_asset_find(const char *name);

/* Answers the stream's GET or HEAD with the asset. cache_control is the field's value.
 * extra fields (at most H2_STATIC_MAX_EXTRA; may be NULL) are added to the answer. */
void h2_static_respond(struct h2_stream *stream, const struct h2_asset *asset,
                       const char *cache_control, const struct h2_field *extra, size_t extra_count);

#endif
