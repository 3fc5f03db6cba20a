/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_ORIGIN_H
#define API_ORIGIN_H
/*
 * Which pages may speak for a browser's user. A browser adds its cookies to every request, also to
 * one that a stranger's page made it send; and forms, beacons and multipart bodies reach us without
 * a preflight. So what counts is the page's origin, which the browser says and no page can change:
 * it is fine when it is our own (that of :authority) or in services[].origins.
 *
 *   credential          Origin              answer
 *   by cookie           fine                served
 *   by cookie           foreign             403
 *   by cookie           none, or "null"     GET: served unless Sec-Fetch-Site says that another
 *                                           site asks; "null" needs "same-origin" there.
 *                                           POST: 403 unless Sec-Fetch-Site is "same-origin"
 *                                           or "none"; "null" needs "same-origin".
 *   in the request      any                 served: who can put a token there needs no cookie
 *   none                fine, or none       served as far as a connectionId goes
 *   none                foreign             403: the id, which is secret, may have leaked
 *   none                "null"              403 unless Sec-Fetch-Site is "same-origin"
 *
 * A GET without both fields comes from a browser of before 2023 or from no browser. It can open an
 * event stream, which a foreign page cannot read, and nothing else. Pages that forbid the referrer
 * send "null" from their own origin: there Sec-Fetch-Site tells.
 *
 * Serving a token from anywhere does not mean that the page may read the answer: see below.
 */
#include <stdbool.h>
#include <stddef.h>

struct api_exchange;
struct buf;
struct h2_field;
struct h2_request;
struct origins;

enum origin_credential { ORIGIN_NO_CREDENTIAL, ORIGIN_BY_COOKIE, ORIGIN_IN_REQUEST };

enum origin_verdict {
    ORIGIN_SERVED,
    ORIGIN_FOREIGN, /* it names an origin that is not fine */
    ORIGIN_SILENT,  /* it does not say enough */
    ORIGIN_CROSS,   /* it names no origin, and says that another site asks */
};

/* Whether the request names an origin, and that is fine. */
bool origin_is_fine(const struct h2_request *request, const struct origins *origins);

enum origin_verdict origin_judge(const struct h2_request *request, const struct origins *origins,
                                 enum origin_credential credential);

/* For a request whose credentials have been looked at: true when its page may not use them; then it
 * has answered 403. */
bool origin_refuse(struct api_exchange *exchange);

#define CORS_MAX_FIELDS 4u

/* For every answer of the pages' side. Writes at most CORS_MAX_FIELDS fields and returns how
 * many; their texts live as long as the request. */
size_t cors_fields(const struct h2_request *request, const struct origins *origins,
                   struct h2_field *fields);

/* Whether this OPTIONS asks for leave on a page's behalf. */
bool cors_is_preflight(const struct h2_request *request);

/* The header fields that scripts of other origins may send, as a list in lower case: those that the
 * server reads, those of traces, and the names of each of the texts (base/text.h). "*" among them
 * is any field. */
void cors_list_headers(struct buf *list, const char *const *names, size_t count);

/* What the answer to a preflight has besides those above; methods: what the path takes; headers: a
 * list as above. */
size_t cors_preflight_fields(const struct h2_request *request, const struct origins *origins,
                             const char *methods, const char *headers, struct h2_field *fields);

/* Whether the request is of a page of another origin, whose scripts may send those alone. */
bool cors_is_cross(const struct h2_request *request);

#endif
