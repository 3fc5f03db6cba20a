/* SPDX-License-Identifier: Apache-2.0 */
#include "api/origin.h"

#include <string.h>

#include "api/exchange.h"
#include "api/origins.h"
#include "api/reply.h"
#include "h2/request.h"
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
        return false;
    }
}
