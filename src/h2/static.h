/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_STATIC_H
#define H2_STATIC_H
/*
 * Files that are compiled into the program, with their precompressed forms and their ETag.
 * Negotiates content-encoding (br, gzip, identity) and answers If-None-Match (RFC 9110 13.1.2).
 */
#include <stdbool.h>
#include <stddef.h>

struct bytes;
struct h2_field;
struct h2_stream;

#define H2_STATIC_MAX_EXTRA 12u

/* The forms of a resource (RFC 9110 8.4.1), in order of preference when the client has none. */
enum h2_coding { H2_CODING_BROTLI, H2_CODING_GZIP, H2_CODING_IDENTITY, H2_CODINGS };

/* The bodies lie in the program's data with one reference that is never given back, so that an
 * answer refers to them and copies nothing. */
struct h2_asset {
    const char *name; /* "client.js", "demo/index.html" */
    const char *content_type;
    const char *etag; /* quoted, of the identity form; other forms add their own suffix */
    struct bytes *forms[H2_CODINGS]; /* NULL: there is none; the identity is never NULL */
};

/* The table that CMake generates from js/ and web/. NULL when there is no such name. */
const struct h2_asset *h2_asset_find(const char *name);

/* Answers the stream's GET or HEAD with the asset. cache_control is the field's value.
 * extra fields (at most H2_STATIC_MAX_EXTRA; may be NULL) are added to the answer. */
void h2_static_respond(struct h2_stream *stream, const struct h2_asset *asset,
                       const char *cache_control, const struct h2_field *extra, size_t extra_count);

/* Which form a client takes, and whether it has it already (RFC 9110 12.5.3, 13). */
extern const char *const h2_coding_names[H2_CODINGS]; /* "br", "gzip", "identity" */

/* The coding that the client weighs highest of those with available[coding]. field is the value of
 * accept-encoding, NULL when it was not sent: then identity. A client that wants none of what there
 * is gets identity as well: an answer it may still read serves it better than a 406. */
enum h2_coding h2_negotiate_coding(const char *field, const bool available[H2_CODINGS]);

/* The entity tag of one form: "abc" of the identity, "abc-br" of the brotli one. */
const char *h2_negotiate_etag(const char *etag, enum h2_coding coding, char *buffer, size_t size);

/* Whether a list of entity tags, or "*", names this one; compared weakly (RFC 9110 8.8.3.2). */
bool h2_negotiate_is_match(const char *if_none_match, const char *etag);

#endif
