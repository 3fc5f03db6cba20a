/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_HTTP_URL_H
#define BASE_HTTP_URL_H
/* What outsiders name: URLs of servers, and origins of pages. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

/*
 * An http or https URL: read so strictly that nobody who reads it after us
 * can find another host in it. And lists of hosts that such URLs may have.
 */
#define HTTP_URL_HOST_SIZE 254u

struct http_url {
    bool is_https;
    bool is_address; /* the host is one, in the form of inet_ntop(), without brackets */
    bool has_port;
    uint16_t port;
    char host[HTTP_URL_HOST_SIZE]; /* in lower case */
};

/* NULL, or what is wrong with it: static, to be put behind "it". */
const char *http_url_read(struct http_url *url, const char *text);

/* A list (base/text.h) of names, *.names (what is below), addresses and [IPv6 addresses], each
 * with a port or for all ports. */
bool http_url_is_listed(const struct http_url *url, const char *hosts);

/* Whether all of the list are such; else *wrong is one that is not. */
bool http_url_hosts_are_valid(const char *hosts, struct word *wrong);

/*
 * A set of web origins (RFC 6454), as a setting says it: "https://app.example.com", or with a
 * pattern for its host, "*.example.com". There "*." stands for one label of the
 * host or more, never for none, and what is behind it must have two labels, so that nobody lists a
 * whole "com" by mistake. Only list a pattern where nobody else is given names below: a page of any
 * of them counts as your own.
 */
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
