/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_ROUTER_H
#define H2_ROUTER_H
/*
 * Which route serves a method and a path. Patterns are literal but for one {path}, which stands for
 * one or more segments of any text and may have text behind it: "/connect/message/{path}.do". A
 * path may have one slash more at its end.
 */
#include <stddef.h>

#define H2_ROUTE_MAX_CHARACTERS ((size_t)128)
#define H2_ROUTE_MAX_VARIABLE   (H2_ROUTE_MAX_CHARACTERS * 4) /* octets of UTF-8 */

enum h2_method {
    H2_GET = 1 << 0, /* HEAD is answered as GET without a body */
    H2_POST = 1 << 1,
    H2_PUT = 1 << 2,
    H2_DELETE = 1 << 3,
    H2_OPTIONS = 1 << 4,
};

struct h2_route {
    unsigned methods; /* of enum h2_method, or-ed */
    const char *pattern;
    const void *target; /* the caller's own */
};

struct h2_match {
    const struct h2_route *route; /* NULL when nothing matches path and method */
    unsigned allowed;             /* methods that the path would take; 0: no such path */
    char variable[H2_ROUTE_MAX_VARIABLE + 1]; /* what {path} stood for */
};

/* 0 for a method that no route can take (TRACE, CONNECT, unknown). */
enum h2_method h2_method_parse(const char *name);

/* The value of an Allow field, such as "GET, HEAD, POST"; size of 64 holds every combination. */
const char *h2_method_allow(unsigned methods, char *buffer, size_t size);

/* path is decoded (h2/uri.h), and relative to what the table's patterns are relative to. */
void h2_router_match(const struct h2_route *routes, size_t count, enum h2_method method,
                     const char *path, struct h2_match *match);

#endif
