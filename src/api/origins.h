/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_ORIGINS_H
#define API_ORIGINS_H
/*
 * A set of web origins (RFC 6454), as a setting says it: "https://app.example.com", or with a
 * pattern for its host, "*.example.com". There "*." stands for one label of the
 * host or more, never for none, and what is behind it must have two labels, so that nobody lists a
 * whole "com" by mistake. Only list a pattern where nobody else is given names below: a page of any
 * of them counts as your own.
 */
#include <stdbool.h>
#include <stddef.h>

struct origins;

/* Reads origins between commas; "" is the empty set. NULL when one cannot be read; then fault is a
 * sentence that names it and says what would be right. */
struct origins *origins_new(const char *text, char *fault, size_t fault_size);
void origins_free(struct origins *origins); /* accepts NULL */

/* For the value of a request's Origin field. "null", the origin of those who have none, is in no
 * set. */
bool origins_contain(const struct origins *origins, const char *origin);

/* Whether origin is the one that a request to authority was sent to. The scheme is the request's:
 * "http" also behind a proxy that ends TLS, so that an origin with https is the same either way. */
bool origin_is_own(const char *origin, const char *scheme, const char *authority);

#endif
