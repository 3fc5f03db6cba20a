/* SPDX-License-Identifier: Apache-2.0 */
#include "api/routes.h"

#include <stdio.h>
#include <string.h>

#include "api/exchange.h"
#include "api/origin.h"
#include "api/query/filters.h"
#include "api/reply.h"
#include "base/mem.h"
#include "h2/session.h"
#include "h2/stream.h"

/* clang-format off */
#define TO(...)                                         &(const struct api_endpoint){__VA_ARGS__}
#define OPEN(sides, body, handler)                      TO(sides, API_OPEN, 0, TENANCY_NONE, body, handler, CALL_QUEUE_NONE, NULL, false, 0, NULL)
#define PAGE(body, queue, handler)                      TO(API_PAGES_SIDE, API_PAGE, 0, TENANCY_NONE, body, handler, CALL_QUEUE_##queue, NULL, false, 0, NULL)
#define PAGE_CHANGE(operation, handler)                 TO(API_PAGES_SIDE, API_PAGE, 0, TENANCY_NONE, API_JSON, handler, CALL_QUEUE_CHANGES, NULL, false, operation, NULL)
#define BACK_END(permission, tenancy, body, handler, parameters) TO(API_BACK_ENDS_SIDE, API_BACK_END, permission, TENANCY_##tenancy, body, handler, CALL_QUEUE_NONE, parameters, false, 0, NULL)
#define BACK_END_AUDITED(permission, tenancy, body, handler, parameters, action) TO(API_BACK_ENDS_SIDE, API_BACK_END, permission, TENANCY_##tenancy, body, handler, CALL_QUEUE_NONE, parameters, false, 0, action)
#define BACK_END_QUERY(list, handler)                   TO(API_BACK_ENDS_SIDE, API_BACK_END, AUTH_MAY_QUERY, TENANCY_BY_QUERY, API_NO_BODY, handler, CALL_QUEUE_NONE, CONNECTIONS, false, list, NULL)
#define BACK_END_LIST(tenancy, list, handler)           TO(API_BACK_ENDS_SIDE, API_BACK_END, AUTH_MAY_QUERY, TENANCY_##tenancy, API_NO_BODY, handler, CALL_QUEUE_NONE, ANY, true, list, NULL)

/* The parameters that queries take. */
#define ANY         NULL
#define CLUSTER     "cluster, timeout"
#define PAGED       "pageNum, pageSize, " CLUSTER
#define CONNECTIONS CONNECTION_FILTER_PARAMETERS ", sort, order, " PAGED
#define MESSAGES    MESSAGE_FILTER_PARAMETERS ", id, all, "

/* Below the base path of each service. */
static const struct h2_route service_routes[] = {
    /* the browser's side */
    {H2_GET | H2_POST, "",                                   OPEN(API_PAGES_SIDE, API_NO_BODY, api_handle_script)},
    {H2_GET | H2_POST, "/sse.js",                            OPEN(API_PAGES_SIDE, API_NO_BODY, api_handle_script)},
    {H2_GET | H2_POST, "/connect",                           PAGE(API_FORM, NONE, api_handle_connect)},
    {H2_POST,          "/connect/addListener.do",            PAGE_CHANGE(BROKER_LISTEN, api_handle_change_listeners)},
    {H2_POST,          "/connect/removeListener.do",         PAGE_CHANGE(BROKER_UNLISTEN, api_handle_change_listeners)},
    {H2_POST,          "/connect/subscribe.do",              PAGE_CHANGE(BROKER_SUBSCRIBE, api_handle_change_channels)},
    {H2_POST,          "/connect/unsubscribe.do",            PAGE_CHANGE(BROKER_UNSUBSCRIBE, api_handle_change_channels)},
    {H2_POST,          "/connect/refresh.do",                PAGE(API_CREDENTIAL, CHANGES, api_handle_refresh)},
    {H2_POST,          "/connect/message/{path}.do",         PAGE(API_JSON_TOKENS, MESSAGES, api_handle_message)},
    {H2_POST,          "/connect/upload/{path}.do",          PAGE(API_STREAMED, NONE, api_handle_upload)},
    {H2_POST,          "/connect/disconnect.do",             PAGE(API_BEACON, NONE, api_handle_disconnect)},
    {H2_POST,          "/connect/ack.do",                    PAGE(API_JSON, NONE, api_handle_ack)},
    /* the back ends' side: queries */
    {H2_GET,           "/users",                             BACK_END_QUERY(BROKER_USERS, api_handle_list)},
    {H2_GET,           "/connect/users.json",                BACK_END_LIST(BY_QUERY, BROKER_USERS, api_handle_java_list)},
    {H2_GET,           "/connections",                       BACK_END_QUERY(BROKER_CONNECTIONS, api_handle_list)},
    {H2_GET,           "/connect/connections.json",          BACK_END_LIST(BY_QUERY, BROKER_CONNECTIONS, api_handle_java_list)},
    {H2_GET,           "/messages",                          BACK_END(AUTH_MAY_QUERY, BY_HANDLER, API_NO_BODY, api_handle_messages, MESSAGES PAGED)},
    {H2_GET,           "/connect/repositoryMessages.json",   BACK_END_LIST(BY_HANDLER, 0, api_handle_java_messages)},
    {H2_GET,           "/messages/{path}",                   BACK_END(AUTH_MAY_QUERY, BY_HANDLER, API_NO_BODY, api_handle_message_state, CLUSTER)},
    {H2_GET,           "/online",                            BACK_END(AUTH_MAY_QUERY, BY_QUERY, API_NO_BODY, api_handle_online, "userId, tenantId, " CLUSTER)},
    {H2_GET,           "/counts",                            BACK_END(AUTH_MAY_QUERY, BY_QUERY, API_NO_BODY, api_handle_counts, "tenantId, " CLUSTER)},
    {H2_GET,           "/userIds",                           BACK_END_QUERY(BROKER_USERS, api_handle_keys)},
    {H2_GET,           "/tenantIds",                         BACK_END_QUERY(BROKER_TENANTS, api_handle_keys)},
    {H2_GET,           "/channels",                          BACK_END_QUERY(BROKER_CHANNELS, api_handle_keys)},
    {H2_GET,           "/accessTokens",                      BACK_END_QUERY(BROKER_TOKENS, api_handle_keys)},
    /* the back ends' side: commands */
    {H2_POST,          "/send",                              BACK_END(AUTH_MAY_SEND, BY_TARGET, API_JSON_MESSAGES, api_handle_send, ANY)},
    {H2_DELETE,        "/messages",                          BACK_END_AUDITED(AUTH_MAY_SEND, BY_HANDLER, API_NO_BODY, api_handle_delete_messages, MESSAGES CLUSTER, "deleteMessages")},
    {H2_DELETE,        "/messages/{path}",                   BACK_END_AUDITED(AUTH_MAY_SEND, BY_HANDLER, API_NO_BODY, api_handle_delete_message, MESSAGES CLUSTER, "deleteMessages")},
    {H2_POST,          "/disconnectUser",                    BACK_END_AUDITED(AUTH_MAY_DISCONNECT, BY_TARGET, API_JSON, api_handle_disconnect_user, ANY, "disconnectUser")},
    {H2_POST,          "/setDuration",                       BACK_END(AUTH_MAY_SEND, BY_TARGET, API_JSON, api_handle_set_duration, ANY)},
};

/* Below the root. */
static const struct h2_route server_routes[] = {
    {H2_GET,           "/health/live",                       OPEN(API_BOTH_SIDES, API_NO_BODY, api_handle_live)},
    {H2_GET,           "/health/ready",                      OPEN(API_BOTH_SIDES, API_NO_BODY, api_handle_ready)},
    {H2_GET,           "/metrics",                           BACK_END(AUTH_MAY_METRICS, OF_PROCESS, API_NO_BODY, api_handle_metrics, ANY)},
    {H2_GET,           "/openapi.yaml",                      OPEN(API_BOTH_SIDES, API_NO_BODY, api_handle_openapi)},
    {H2_GET,           "/",                                  OPEN(API_PAGES_SIDE, API_NO_BODY, api_handle_demo)},
    {H2_GET,           "/demo/{path}",                       OPEN(API_PAGES_SIDE, API_NO_BODY, api_handle_demo)},
};
/* clang-format on */

static const struct api_routes own = {
    .of_service = service_routes,
    .service_count = COUNT(service_routes),
    .of_server = server_routes,
    .server_count = COUNT(server_routes),
};

/* service: NULL: path is one of the server itself. A path is in one of the tables alone. */
static void match_path(const struct api *api, const struct api_service *service,
                       enum h2_method method, const char *path, struct h2_match *match)
{
    const struct api_routes *const tables[] = {&own, api->more_routes};

    match->allowed = 0;
    for (size_t i = 0; i < COUNT(tables) && tables[i] && match->allowed == 0; i++) {
        if (service)
            h2_router_match(tables[i]->of_service, tables[i]->service_count, method, path, match);
        else
            h2_router_match(tables[i]->of_server, tables[i]->server_count, method, path, match);
    }
}

/* What path leads to, for any method: they are all of one side. NULL: nothing. */
static const struct api_endpoint *any_endpoint(const struct api *api,
                                               const struct api_service *service, const char *path)
{
    const unsigned all = H2_GET | H2_POST | H2_PUT | H2_DELETE;
    struct h2_match match;

    match_path(api, service, (enum h2_method)all, path, &match);
    return match.route ? match.route->target : NULL;
}

static bool is_of_pages(const struct api_service *service, const struct api_endpoint *endpoint)
{
    return (endpoint->sides & API_PAGES_SIDE) || api_endpoint_is_page_list(service, endpoint);
}

bool api_routes_is_pages_side(const struct api_service *service, const char *path)
{
    const struct api_endpoint *endpoint =
        service ? any_endpoint(service->api, service, path) : NULL;

    return !endpoint || is_of_pages(service, endpoint);
}

bool api_routes_is_for_pages(const struct api_exchange *exchange)
{
    const char *path = "";

    if (exchange->endpoint)
        return exchange->endpoint->guard != API_BACK_END || exchange->endpoint->is_java_list;
    if (exchange->request)
        (void)api_service_of(exchange->api, exchange->request->path, &path);
    return api_routes_is_pages_side(exchange->service, path);
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

    return (endpoint->sides & sides[role_of(exchange)]) != 0 ||
           (role_of(exchange) == API_ROLE_PUBLIC && is_of_pages(exchange->service, endpoint));
}

static void answer_options(struct api_exchange *exchange, unsigned allowed, const char *path)
{
    char all[64], methods[64];
    struct h2_field fields[1 + CORS_MAX_FIELDS] = {
        {"allow", h2_method_allow(allowed | H2_OPTIONS, all, sizeof(all))}};
    size_t count = 1;

    if (exchange->service && api_routes_is_pages_side(exchange->service, path))
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

/* Whoever asks for the server's health asks this machine, by whatever name. */
static bool is_health(const struct api_endpoint *endpoint)
{
    return endpoint &&
           (endpoint->handle == api_handle_live || endpoint->handle == api_handle_ready);
}

static bool is_misdirected(const struct api_exchange *exchange)
{
    return h2_session_is_misdirected(h2_stream_session(exchange->stream),
                                     exchange->request->authority);
}

/* RFC 9110 15.5.20: the client may ask again by a connection of its own. */
static void answer_misdirected(struct api_exchange *exchange)
{
    api_reply_error(exchange, 421,
                    "the certificate of this connection is not for \"%.100s\"; ask again by a "
                    "connection with that name (SNI), or give the listener a certificate for it "
                    "(listeners[].certificates)",
                    exchange->request->authority);
}

bool api_routes_find(struct api_exchange *exchange)
{
    enum h2_method method = h2_method_parse(exchange->request->method);
    const char *path = exchange->request->path;
    const struct api_endpoint *endpoint;
    struct h2_match match;

    exchange->service = api_service_of(exchange->api, path, &path);
    match_path(exchange->api, exchange->service, method, path, &match);
    endpoint =
        match.route ? match.route->target : any_endpoint(exchange->api, exchange->service, path);
    if (is_misdirected(exchange) && !is_health(endpoint)) {
        answer_misdirected(exchange);
        return false;
    }
    if (!endpoint || !is_served(exchange, endpoint)) {
        answer_unknown(exchange);
        return false;
    }
    if (match.route) {
        exchange->endpoint = endpoint;
        exchange->route = match.route->pattern;
        if (match.variable[0] != '\0')
            exchange->path = mem_strdup(match.variable);
        return true;
    }
    if (method == H2_OPTIONS)
        answer_options(exchange, match.allowed, path);
    else
        answer_method(exchange, match.allowed);
    return false;
}

/* ---- how long what they lead to takes ---- */

static enum request_class class_of_page(const struct api_endpoint *endpoint)
{
    if (endpoint->handle == api_handle_connect)
        return REQUEST_CONNECT;
    if (endpoint->handle == api_handle_message)
        return REQUEST_MESSAGE;
    return endpoint->handle == api_handle_upload ? REQUEST_UPLOAD : REQUEST_CALL;
}

static enum request_class class_of_back_end(const struct api_endpoint *endpoint)
{
    switch (endpoint->permission) {
    case AUTH_MAY_SEND:
    case AUTH_MAY_DISCONNECT:
        return REQUEST_SEND;
    case AUTH_MAY_METRICS:
        return REQUEST_PROBE;
    default:
        return REQUEST_QUERY;
    }
}

enum request_class api_routes_class(const struct api_exchange *exchange)
{
    const struct api_endpoint *endpoint = exchange->endpoint;

    if (!endpoint)
        return REQUEST_OTHER;
    switch (endpoint->guard) {
    case API_PAGE:
        return class_of_page(endpoint);
    case API_BACK_END:
        return class_of_back_end(endpoint);
    default:
        return endpoint->handle == api_handle_live || endpoint->handle == api_handle_ready
                   ? REQUEST_PROBE
                   : REQUEST_FILE;
    }
}
