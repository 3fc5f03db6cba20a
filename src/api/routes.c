/* SPDX-License-Identifier: Apache-2.0 */
#include "api/routes.h"

#include <stdio.h>
#include <string.h>

#include "api/cors.h"
#include "api/exchange.h"
#include "api/handlers.h"
#include "api/reply.h"
#include "h2/session.h"
#include "h2/stream.h"

/* clang-format off */
#define TO(...)                              &(const struct api_endpoint){__VA_ARGS__}
#define OPEN(sides, body, handler)           TO(sides, API_OPEN, 0, body, handler, CALL_LANE_NONE)
#define PAGE(body, lane, handler)            TO(API_PAGES_SIDE, API_PAGE, 0, body, handler, CALL_LANE_##lane)
#define BACK_END(permission, body, handler)  TO(API_BACK_ENDS_SIDE, API_BACK_END, permission, body, handler, CALL_LANE_NONE)

/* Below the base path of each service. */
static const struct h2_route service_routes[] = {
    /* the browser's side */
    {H2_GET,           "",                                   OPEN(API_PAGES_SIDE, API_NO_BODY, api_handle_script)},
    {H2_GET,           "/sse.js",                            OPEN(API_PAGES_SIDE, API_NO_BODY, api_handle_script)},
    {H2_GET | H2_POST, "/connect",                           PAGE(API_FORM, NONE, api_handle_connect)},
    {H2_POST,          "/connect/addListener.do",            PAGE(API_JSON, WISHES, api_handle_add_listener)},
    {H2_POST,          "/connect/removeListener.do",         PAGE(API_JSON, WISHES, api_handle_remove_listener)},
    {H2_POST,          "/connect/subscribe.do",              PAGE(API_JSON, WISHES, api_handle_subscribe)},
    {H2_POST,          "/connect/unsubscribe.do",            PAGE(API_JSON, WISHES, api_handle_unsubscribe)},
    {H2_POST,          "/connect/refresh.do",                PAGE(API_CREDENTIAL, WISHES, api_handle_refresh)},
    {H2_POST,          "/connect/message/{path}.do",         PAGE(API_JSON, MESSAGES, api_handle_message)},
    {H2_POST,          "/connect/upload/{path}.do",          PAGE(API_STREAMED, NONE, api_handle_upload)},
    {H2_POST,          "/connect/disconnect.do",             PAGE(API_BEACON, NONE, api_handle_disconnect)},
    {H2_POST,          "/connect/ack.do",                    PAGE(API_JSON, NONE, api_handle_ack)},
    /* the back ends' side: queries */
    {H2_GET,           "/users",                             BACK_END(AUTH_MAY_QUERY, API_NO_BODY, api_handle_users)},
    {H2_GET,           "/connect/users.json",                BACK_END(AUTH_MAY_QUERY, API_NO_BODY, api_handle_users)},
    {H2_GET,           "/connections",                       BACK_END(AUTH_MAY_QUERY, API_NO_BODY, api_handle_connections)},
    {H2_GET,           "/connect/connections.json",          BACK_END(AUTH_MAY_QUERY, API_NO_BODY, api_handle_connections)},
    {H2_GET,           "/messages",                          BACK_END(AUTH_MAY_QUERY, API_NO_BODY, api_handle_messages)},
    {H2_GET,           "/connect/repositoryMessages.json",   BACK_END(AUTH_MAY_QUERY, API_NO_BODY, api_handle_messages)},
    {H2_GET,           "/messages/{path}",                   BACK_END(AUTH_MAY_QUERY, API_NO_BODY, api_handle_message_state)},
    {H2_GET,           "/online",                            BACK_END(AUTH_MAY_QUERY, API_NO_BODY, api_handle_online)},
    {H2_GET,           "/counts",                            BACK_END(AUTH_MAY_QUERY, API_NO_BODY, api_handle_counts)},
    {H2_GET,           "/userIds",                           BACK_END(AUTH_MAY_QUERY, API_NO_BODY, api_handle_user_ids)},
    {H2_GET,           "/tenantIds",                         BACK_END(AUTH_MAY_QUERY, API_NO_BODY, api_handle_tenant_ids)},
    {H2_GET,           "/channels",                          BACK_END(AUTH_MAY_QUERY, API_NO_BODY, api_handle_channels)},
    {H2_GET,           "/accessTokens",                      BACK_END(AUTH_MAY_QUERY, API_NO_BODY, api_handle_access_tokens)},
    {H2_GET,           "/presence",                          BACK_END(AUTH_MAY_PRESENCE, API_NO_BODY, api_handle_presence)},
    /* the back ends' side: commands */
    {H2_POST,          "/send",                              BACK_END(AUTH_MAY_SEND, API_JSON, api_handle_send)},
    {H2_DELETE,        "/messages",                          BACK_END(AUTH_MAY_SEND, API_NO_BODY, api_handle_delete_messages)},
    {H2_DELETE,        "/messages/{path}",                   BACK_END(AUTH_MAY_SEND, API_NO_BODY, api_handle_delete_message)},
    {H2_POST,          "/disconnectUser",                    BACK_END(AUTH_MAY_DISCONNECT, API_JSON, api_handle_disconnect_user)},
    {H2_POST,          "/setDuration",                       BACK_END(AUTH_MAY_SEND, API_JSON, api_handle_set_duration)},
};

/* Below the root. */
static const struct h2_route server_routes[] = {
    {H2_GET,           "/health/live",                       OPEN(API_BOTH_SIDES, API_NO_BODY, api_handle_live)},
    {H2_GET,           "/health/ready",                      OPEN(API_BOTH_SIDES, API_NO_BODY, api_handle_ready)},
    {H2_GET,           "/metrics",                           BACK_END(AUTH_MAY_METRICS, API_NO_BODY, api_handle_metrics)},
    {H2_GET,           "/openapi.yaml",                      OPEN(API_BOTH_SIDES, API_NO_BODY, api_handle_openapi)},
    {H2_GET,           "/",                                  OPEN(API_PAGES_SIDE, API_NO_BODY, api_handle_demo)},
    {H2_GET,           "/demo/{path}",                       OPEN(API_PAGES_SIDE, API_NO_BODY, api_handle_demo)},
};
/* clang-format on */

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

struct table {
    const struct h2_route *routes;
    size_t count;
};

static const struct table of_server = {server_routes, COUNT(server_routes)};
static const struct table of_service = {service_routes, COUNT(service_routes)};

/* What path leads to, for any method: they are all of one side. NULL: nothing. */
static const struct api_endpoint *any_endpoint(const struct table *table, const char *path)
{
    const unsigned all = H2_GET | H2_POST | H2_PUT | H2_DELETE;
    struct h2_match match;

    h2_router_match(table->routes, table->count, (enum h2_method)all, path, &match);
    return match.route ? match.route->target : NULL;
}

bool api_routes_is_pages_side(const char *path)
{
    const struct api_endpoint *endpoint = any_endpoint(&of_service, path);

    return !endpoint || (endpoint->sides & API_PAGES_SIDE);
}

static unsigned role_of(const struct api_exchange *exchange)
{
    return h2_session_role(h2_stream_session(exchange->stream));
}

static bool is_served(const struct api_exchange *exchange, const struct api_endpoint *endpoint)
{
    static const enum api_side sides[] = {[API_ROLE_ALL] = API_BOTH_SIDES,
                                          [API_ROLE_PUBLIC] = API_PAGES_SIDE,
                                          [API_ROLE_ADMIN] = API_BACK_ENDS_SIDE};

    return (endpoint->sides & sides[role_of(exchange)]) != 0;
}

static void answer_options(struct api_exchange *exchange, unsigned allowed, const char *path)
{
    char all[64], methods[64];
    struct h2_field fields[1 + CORS_MAX_FIELDS] = {
        {"allow", h2_method_allow(allowed | H2_OPTIONS, all, sizeof(all))}};
    size_t count = 1;

    if (exchange->service && api_routes_is_pages_side(path))
        count += cors_preflight_fields(exchange->request, exchange->service->settings->origins,
                                       h2_method_allow(allowed, methods, sizeof(methods)),
                                       exchange->service->settings->origin_headers, &fields[count]);
    api_reply_nothing(exchange, fields, count);
}

static void answer_method(struct api_exchange *exchange, unsigned allowed)
{
    char methods[64], detail[160];
    struct h2_field allow = {"allow", h2_method_allow(allowed | H2_OPTIONS, methods, 64)};

    snprintf(detail, sizeof(detail), "this path takes no %.32s; it takes %s",
             exchange->request->method, allow.value);
    api_reply_error_with(exchange, 405, &allow, detail);
}

/* Paths of the other side are as unknown as any: what is said is the same. */
static void answer_unknown(struct api_exchange *exchange)
{
    static const struct {
        const char *role, *of_service, *of_server;
    } texts[] = {
        [API_ROLE_ALL] = {"",
                          "/connect, /connect/message/{path}.do, /users, /connections and /send",
                          "/health/live, /health/ready and /metrics"},
        [API_ROLE_PUBLIC] = {" for listeners[].role public",
                             "/connect and /connect/message/{path}.do",
                             "/health/live and /health/ready"},
        [API_ROLE_ADMIN] = {" for listeners[].role admin", "/users, /connections and /send",
                            "/health/live, /health/ready and /metrics"},
    };
    const unsigned role = role_of(exchange);

    if (exchange->service)
        api_reply_error(
            exchange, 404, "there is no such path below %s%s; there are, among others, %s",
            exchange->service->settings->core->base_path, texts[role].role, texts[role].of_service);
    else
        api_reply_error(exchange, 404,
                        "there is no such path%s; each service answers below its own base path, "
                        "and the server itself at %s",
                        texts[role].role, texts[role].of_server);
}

bool api_routes_find(struct api_exchange *exchange)
{
    enum h2_method method = h2_method_parse(exchange->request->method);
    const char *path = exchange->request->path;
    const struct api_endpoint *endpoint;
    const struct table *table;
    struct h2_match match;

    exchange->service = api_service_of(exchange->api, path, &path);
    table = exchange->service ? &of_service : &of_server;
    endpoint = any_endpoint(table, path);
    if (!endpoint || !is_served(exchange, endpoint)) {
        answer_unknown(exchange);
        return false;
    }
    h2_router_match(table->routes, table->count, method, path, &match);
    if (match.route) {
        exchange->endpoint = match.route->target;
        memcpy(exchange->variable, match.variable, sizeof(exchange->variable));
        return true;
    }
    if (method == H2_OPTIONS)
        answer_options(exchange, match.allowed, path);
    else
        answer_method(exchange, match.allowed);
    return false;
}
