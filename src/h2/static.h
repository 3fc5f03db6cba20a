/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_STATIC_H
#define H2_STATIC_H
/*
 * Files that are compiled into the program, with their precompressed forms and their ETag.
 * Negotiates content-encoding (br, gzip, identity) and answers If-None-Match (RFC 9110 13.1.2).
 */
#include <stddef.h>

struct h2_stream;

struct h2_asset_body {
    const unsigned char *data; /* NULL: this form does not exist */
    size_t length;
};

struct h2_asset {
    const char *name; /* "sse.js", "demo/index.html" */
    const char *content_type;
    const char *etag; /* quoted, of the identity form; other forms add their own suffix */
    struct h2_asset_body identity, gzip, brotli;
};

/* The table that CMake generates from js/ and web/. NULL when there is no such name. */
const struct h2_asset *h2_asset_find(const char *name);

/* Answers the stream's GET or HEAD with the asset. cache_control is the field's value.
 * extra fields (may be NULL) are added to the answer. */
struct h2_field;
void h2_static_respond(struct h2_stream *stream, const struct h2_asset *asset,
                       const char *cache_control, const struct h2_field *extra, size_t extra_count);

#endif
