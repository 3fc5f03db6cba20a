/* SPDX-License-Identifier: Apache-2.0 */
#include "api/page/on_connection.h"

#include <string.h>

#include "api/exchange.h"
#include "api/reply.h"
#include "h2/stream.h"
#include "sse/registry.h"
#include "sse/service.h"
#include "sse/user.h"

/* A request with credentials acts for its own user only. One without any acts for the connection's
 * user: the id is known to its page alone. */
static bool may_act(const struct api_exchange *exchange, const struct sse_connection *connection)
{
    const struct sse_user *asking = exchange->user;
    const struct sse_user *owner = connection->user;

    if (asking)
        return strcmp(asking->id, owner->id) == 0 &&
               strcmp(asking->tenant_id, owner->tenant_id) == 0;
    return exchange->session_number == connection->session_number ||
           !exchange->service->settings->session_binding_strict;
}

/* Who showed credentials has been counted with them. */
static bool is_too_much(const struct on_connection *act, const struct api *api,
                        const struct sse_connection *connection)
{
    struct api_service *service = &api->services[act->exchange->service->index];

    return !act->exchange->user && !act->is_counted &&
           !limits_take_user_request(&service->limits, connection->user);
}

/* True when the connection is one of this worker, whether it may be used or not. */
static bool try_here(struct on_connection *act, const struct api *api)
{
    const struct api_service *service = &api->services[act->exchange->service->index];
    struct sse_connection *connection = sse_registry_find_own(service->core->registry, act->id);

    if (!connection)
        return false;
    if (!may_act(act->exchange, connection))
        return true;
    act->is_too_much = is_too_much(act, api, connection);
    act->found = !act->is_too_much;
    if (act->found)
        act->act(act, connection);
    return true;
}

static void run_there(struct peers_call *call, size_t worker, void *context)
{
    struct on_connection *act = container_of(call, struct on_connection, call);

    /* The origin has looked already. */
    if (worker != call->origin)
        (void)try_here(act, context);
    peers_call_done(call);
}

static void finish(struct on_connection *act)
{
    struct api_exchange *exchange = act->exchange;

    if (act->is_too_much)
        limits_refuse(exchange, LIMIT_USER_REQUESTS);
    act->done(act);
    api_exchange_unref(exchange);
}

static void finish_call(struct peers_call *call, void *context)
{
    (void)context;
    finish(container_of(call, struct on_connection, call));
}

void on_connection_start(struct on_connection *act, struct api_exchange *exchange, const char *id)
{
    const struct api *api = exchange->api;
    size_t length = strlen(id);

    act->exchange = api_exchange_ref(exchange);
    if (length >= sizeof(act->id)) {
        finish(act);
        return;
    }
    memcpy(act->id, id, length + 1);
    if (try_here(act, api) || peers_count(api->peers) == 1) {
        finish(act);
        return;
    }
    act->call.run = run_there;
    act->call.finish = finish_call;
    peers_call_start(api->peers, api->worker, &act->call);
}

static const struct h2_field unknown = {"x-sse-connection", "unknown"};

void on_connection_answer_unknown(struct api_exchange *exchange)
{
    api_reply_error_with(exchange, 404, &unknown,
                         "there is no such connection; connectionId is the one that connect-finish "
                         "told this page");
}

void on_connection_answer_data(struct api_exchange *exchange, json_t *data)
{
    api_reply_json_with(exchange, &unknown, data);
}
