/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cors.h"

#include <string.h>

#include "api/origin.h"
#include "h2/request.h"
#include "h2/stream.h"

/* What our endpoints read of what a page's script may set, and what clients that read events by
 * fetch() send. */
#define REQUEST_FIELDS                                                                             \
    "authorization, cache-control, content-type, idempotency-key, last-event-id, x-sse-order"
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

size_t cors_preflight_fields(const struct h2_request *request, const struct origins *origins,
                             const char *methods, struct h2_field *fields)
{
    size_t count = 0;

    if (!cors_is_preflight(request) || !origin_is_fine(request, origins))
        return count;
    fields[count++] = (struct h2_field){"access-control-allow-methods", methods};
    fields[count++] = (struct h2_field){"access-control-allow-headers", REQUEST_FIELDS};
    fields[count++] = (struct h2_field){"access-control-max-age", MAX_AGE};
    return count;
}
