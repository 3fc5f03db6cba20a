/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_NEGOTIATE_H
#define H2_NEGOTIATE_H
/* Which form of a resource a client takes, and whether it has it already (RFC 9110 12.5.3, 13). */
#include <stdbool.h>
#include <stddef.h>

enum h2_coding { /* in order of preference when the client has none */
                 H2_CODING_BROTLI,
                 H2_CODING_GZIP,
                 H2_CODING_IDENTITY,
                 H2_CODINGS
};

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
