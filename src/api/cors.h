/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_CORS_H
#define API_CORS_H
/*
 * Which pages a browser lets read our answers (Fetch, "CORS protocol"): those of the service's own
 * origin and of services[].origins. They are named one by one, never "*", since requests may carry
 * cookies. Other origins get an answer without permission, to preflights too: their browser says
 * why it keeps the answer to itself.
 */
#include <stdbool.h>
#include <stddef.h>

struct buf;
struct h2_field;
struct h2_request;
struct origins;

#define CORS_MAX_FIELDS 4u

/* For every answer of the pages' side. Writes at most CORS_MAX_FIELDS fields and returns how
 * many; their texts live as long as the request. */
size_t cors_fields(const struct h2_request *request, const struct origins *origins,
                   struct h2_field *fields);

/* Whether this OPTIONS asks for leave on a page's behalf. */
bool cors_is_preflight(const struct h2_request *request);

/* The header fields that scripts of other origins may send, as a list in lower case: those that the
 * server reads, those of traces, and the names of each of the texts (base/words.h). "*" among them
 * is any field. */
void cors_list_headers(struct buf *list, const char *const *names, size_t count);

/* What the answer to a preflight has besides those above; methods: what the path takes; headers: a
 * list as above. */
size_t cors_preflight_fields(const struct h2_request *request, const struct origins *origins,
                             const char *methods, const char *headers, struct h2_field *fields);

/* Whether the request is of a page of another origin, whose scripts may send those alone. */
bool cors_is_cross(const struct h2_request *request);

#endif
