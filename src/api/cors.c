/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cors.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "api/origin.h"
#include "api/origins.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/words.h"
#include "h2/request.h"
#include "h2/stream.h"

/* What our endpoints read of what a page's script may set, and what clients that read events by
 * fetch() send; then what tools that watch a page add to its requests (W3C Trace Context and
 * Baggage, Sentry). */
#define REQUEST_FIELDS                                                                             \
    "authorization, cache-control, content-type, idempotency-key, last-event-id, x-sse-envelope, " \
    "x-sse-order, baggage, sentry-trace, traceparent, tracestate"
#define ANSWER_FIELDS "x-sse-connection, x-sse-server-id, x-sse-version, retry-after"

/* Seconds. Chrome keeps none for more than two hours; ten minutes is soon enough for a changed
 * list of origins. */
#define MAX_AGE "600"

size_t cors_fields(const struct h2_request *request, const struct origins *origins,
                   struct h2_field *fields)
{
    size_t count = 0;

    /* Also on answers without permission: a cache must not give them to those who have it. */
    fields[count++] = (struct h2_field){"vary", "origin"};
    if (!origin_is_fine(request, origins))
        return count;
    fields[count++] =
        (struct h2_field){"access-control-allow-origin", h2_request_header(request, "origin")};
    fields[count++] = (struct h2_field){"access-control-allow-credentials", "true"};
    fields[count++] = (struct h2_field){"access-control-expose-headers", ANSWER_FIELDS};
    return count;
}

bool cors_is_preflight(const struct h2_request *request)
{
    return strcmp(request->method, "OPTIONS") == 0 && h2_request_header(request, "origin") &&
           h2_request_header(request, "access-control-request-method");
}

static void add_header(struct buf *list, const struct word *word)
{
    char *name = mem_strndup(word->text, word->length);

    for (char *letter = name; *letter; letter++)
        *letter = (char)tolower((unsigned char)*letter);
    if (!words_have(buf_str(list), name))
        buf_printf(list, ", %s", name);
    free(name);
}

void cors_list_headers(struct buf *list, const char *const *names, size_t count)
{
    struct word word;

    buf_append_str(list, REQUEST_FIELDS);
    for (size_t i = 0; i < count; i++) {
        const char *rest = names[i];

        while (words_next(&rest, &word))
            add_header(list, &word);
    }
}

/* "*" alone says nothing to browsers where there are credentials. */
static const char *allowed_headers(const struct h2_request *request, const char *headers)
{
    const char *asked = h2_request_header(request, "access-control-request-headers");

    return asked && words_have(headers, "*") ? asked : headers;
}

bool cors_is_cross(const struct h2_request *request)
{
    const char *origin = h2_request_header(request, "origin");

    return origin && !origin_is_own(origin, request->scheme, request->authority);
}

size_t cors_preflight_fields(const struct h2_request *request, const struct origins *origins,
                             const char *methods, const char *headers, struct h2_field *fields)
{
    size_t count = 0;

    if (!cors_is_preflight(request) || !origin_is_fine(request, origins))
        return count;
    fields[count++] = (struct h2_field){"access-control-allow-methods", methods};
    fields[count++] =
        (struct h2_field){"access-control-allow-headers", allowed_headers(request, headers)};
    fields[count++] = (struct h2_field){"access-control-max-age", MAX_AGE};
    return count;
}
