/* SPDX-License-Identifier: Apache-2.0 */
#include "api/origin.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "api/exchange.h"
#include "api/reply.h"
#include "base/buf.h"
#include "base/http_url.h"
#include "base/mem.h"
#include "base/text.h"
#include "h2/request.h"
#include "h2/stream.h"
#include "sse/service.h"

#define SETTING "services[].origins"

static bool is(const char *value, const char *word)
{
    return value && strcmp(value, word) == 0;
}

bool origin_is_fine(const struct h2_request *request, const struct origins *origins)
{
    const char *origin = h2_request_header(request, "origin");

    return origin && (origin_is_own(origin, request->scheme, request->authority) ||
                      origins_contain(origins, origin));
}

/* A cookie, and no origin. */
static enum origin_verdict judge_silent(const struct h2_request *request)
{
    const char *site = h2_request_header(request, "sec-fetch-site");

    if (is(site, "same-origin") || is(site, "none"))
        return ORIGIN_SERVED;
    if (site)
        return ORIGIN_CROSS;
    return strcmp(request->method, "POST") == 0 ? ORIGIN_SILENT : ORIGIN_SERVED;
}

enum origin_verdict origin_judge(const struct h2_request *request, const struct origins *origins,
                                 enum origin_credential credential)
{
    const char *origin = h2_request_header(request, "origin");

    if (credential == ORIGIN_IN_REQUEST || origin_is_fine(request, origins))
        return ORIGIN_SERVED;
    if (is(origin, "null") && is(h2_request_header(request, "sec-fetch-site"), "same-origin"))
        return ORIGIN_SERVED;
    if (origin)
        return ORIGIN_FOREIGN;
    return credential == ORIGIN_BY_COOKIE ? judge_silent(request) : ORIGIN_SERVED;
}

static enum origin_credential credential_of(const struct api_exchange *exchange)
{
    if (!exchange->user)
        return ORIGIN_NO_CREDENTIAL;
    return exchange->source == AUTH_BY_COOKIE ? ORIGIN_BY_COOKIE : ORIGIN_IN_REQUEST;
}

bool origin_refuse(struct api_exchange *exchange)
{
    const struct h2_request *request = exchange->request;
    const char *service = exchange->service->settings->core->name;

    exchange->rule = "origin"; /* if it is refused below */
    switch (origin_judge(request, exchange->service->settings->origins, credential_of(exchange))) {
    case ORIGIN_FOREIGN:
        api_reply_error(exchange, 403,
                        "pages of the origin \"%.200s\" may not use the service \"%s\" in a "
                        "user's name; list the origin in the setting " SETTING,
                        h2_request_header(request, "origin"), service);
        return true;
    case ORIGIN_SILENT:
        api_reply_error(exchange, 403,
                        "a POST with a cookie must say where its page is from: send the field "
                        "\"origin\" with this server's own origin or one of the setting " SETTING
                        ", or show the credential in the request instead of a cookie");
        return true;
    case ORIGIN_CROSS:
        api_reply_error(exchange, 403,
                        "sec-fetch-site says \"%.40s\", and no field \"origin\" says whose page "
                        "asks; a page of another origin must be in the setting " SETTING
                        " and ask with CORS",
                        h2_request_header(request, "sec-fetch-site"));
        return true;
    default:
        exchange->rule = NULL;
        return false;
    }
}

/* What our endpoints read of what a page's script may set, and what clients that read events by
 * fetch() send; then what tools that watch a page add to its requests (W3C Trace Context and
 * Baggage, Sentry). */
#define REQUEST_FIELDS                                                                             \
    "authorization, cache-control, content-type, idempotency-key, last-event-id, x-sse-envelope, " \
    "x-sse-order, baggage, sentry-trace, traceparent, tracestate"
#define ANSWER_FIELDS "x-sse-connection, x-sse-server-id, x-sse-version, x-request-id, retry-after"

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
