/* SPDX-License-Identifier: Apache-2.0 */
#include "api/page/on_connection.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/exchange.h"
#include "api/exchange_identity.h"
#include "api/reply.h"
#include "base/mem.h"
#include "broker/broker.h"
#include "h2/session.h"
#include "h2/stream.h"
#include "sse/ended.h"
#include "sse/registry.h"
#include "sse/service.h"
#include "sse/user.h"

/* A request with credentials acts for its own user only. One without any acts for the connection's
 * user: the id is known to its page alone. */
static bool may_act(const struct api_exchange *exchange, const struct api_service *here,
                    const struct sse_connection *connection)
{
    const struct sse_user *asking = exchange->user;
    const struct sse_user *owner = connection->user;

    if (asking)
        return strcmp(asking->id, owner->id) == 0 &&
               strcmp(asking->tenant_id, owner->tenant_id) == 0;
    return exchange->session_number == connection->session_number ||
           !here->settings->session_binding_strict;
}

/* Who showed credentials has been counted with them. */
static bool is_too_much(const struct on_connection *act, const struct api *api,
                        const struct sse_connection *connection)
{
    struct api_service *service = &api->services[act->exchange->service->index];

    return !act->exchange->user && !act->is_counted &&
           !limits_take_user_request(&service->limits, connection->user);
}

static void refuse_turn(const struct on_connection *act)
{
    struct api_exchange *exchange = act->exchange;

    if (act->verdict == CALL_TOO_MANY)
        api_reply_error(exchange, 429,
                        "%" PRIu32 " calls of this connection wait for their turn (orderedCalls); "
                        "send no more before one of them has its answer",
                        exchange->service->settings->core->ordered_calls);
    else if (act->verdict == CALL_REPLACED)
        api_reply_error(exchange, 409,
                        "x-sse-order: another call of this connection has come with the number "
                        "%" PRIu64 ", and has its turn; this one has not run",
                        exchange->order.number);
}

/* In the thread of the request. */
static void finish(struct on_connection *act)
{
    struct api_exchange *exchange = act->exchange;

    if (act->is_too_much)
        limits_refuse(exchange, LIMIT_USER_REQUESTS);
    else if (act->order != ON_CONNECTION_AT_ONCE)
        exchange->is_in_order = true;
    refuse_turn(act);
    act->done(act);
    api_exchange_unref(exchange);
}

enum outcome { OVER, WAITS };

/* An act has no longer turn than that. */
static void run_in_turn(struct on_connection *act, struct api_service *service,
                        struct sse_connection *connection)
{
    if (act->order != ON_CONNECTION_ACT)
        return;
    act->found = connection != NULL;
    act->here = service;
    if (connection)
        act->act(act, connection);
    if (act->has_turn)
        call_order_end(&service->call_orders, act->handle, act->turn.lane);
    act->has_turn = false;
}

static void on_turn(struct call_turn *turn, struct api_service *service, enum call_verdict verdict)
{
    struct on_connection *act = container_of(turn, struct on_connection, turn);

    act->verdict = verdict;
    act->has_turn = act->found = verdict == CALL_BEGINS;
    if (act->found)
        run_in_turn(act, service, sse_registry_find_own(service->core->registry, act->id));
    if (act->is_away)
        peers_call_done(&act->call);
    else
        finish(act);
}

static enum outcome ask_turn(struct on_connection *act, struct api_service *service,
                             struct sse_connection *connection)
{
    const struct call_number number = act->exchange->order;

    act->turn.on_turn = on_turn;
    act->verdict = call_order_enter(&service->call_orders, connection, &act->turn, number);
    act->has_turn = act->verdict == CALL_BEGINS;
    act->found = act->has_turn || act->verdict == CALL_LATE;
    if (act->verdict == CALL_WAITS)
        return WAITS;
    if (act->found)
        run_in_turn(act, service, connection);
    return OVER;
}

static enum outcome try_here(struct on_connection *act, const struct api *api)
{
    struct api_service *service = &api->services[act->exchange->service->index];
    struct sse_connection *connection = sse_registry_find_own(service->core->registry, act->id);
    const uint64_t number = act->exchange->order.number;

    if (!connection && act->may_have_ended)
        connection = sse_ended_find_own(service->core->ended, act->id);
    if (!connection)
        return OVER;
    if (!may_act(act->exchange, service, connection))
        return OVER;
    act->is_too_much = is_too_much(act, api, connection);
    if (act->is_too_much)
        return OVER;
    act->worker = api->worker;
    memcpy(act->handle, connection->handle, sizeof(act->handle));
    act->turn.lane = act->exchange->endpoint->lane;
    act->found = true;
    act->here = service;
    if (act->order != ON_CONNECTION_ACT || number == 0)
        act->act(act, connection);
    if (act->order == ON_CONNECTION_PASS)
        call_order_pass(&service->call_orders, connection, act->turn.lane, number);
    if (act->order == ON_CONNECTION_AT_ONCE || act->order == ON_CONNECTION_PASS || number == 0)
        return OVER;
    return ask_turn(act, service, connection);
}

static void run_there(struct peers_call *call, size_t worker, void *context)
{
    struct on_connection *act = container_of(call, struct on_connection, call);

    (void)worker;
    if (try_here(act, context) != WAITS)
        peers_call_done(call);
}

static void finish_call(struct peers_call *call, void *context)
{
    (void)context;
    finish(container_of(call, struct on_connection, call));
}

/* Where a bare id counts on the session of its stream alone, and this session has room for one
 * request at a time: the stream is on another one for certain. */
static bool is_never_bound(const struct on_connection *act, const struct api_exchange *exchange)
{
    const struct h2_session *session = h2_stream_session(exchange->stream);

    return act->order != ON_CONNECTION_PASS && !exchange->user && session &&
           exchange->service->settings->session_binding_strict && !h2_session_is_shared(session);
}

void on_connection_start(struct on_connection *act, struct api_exchange *exchange, const char *id)
{
    const struct api *api = exchange->api;
    const size_t shard = sse_connection_id_shard(peers_key(api->peers), id);

    act->exchange = api_exchange_ref(exchange);
    if (is_never_bound(act, exchange)) {
        api_reply_error(
            exchange, 403,
            "connectionId counts on the connection of its event stream alone "
            "(services[].sessionBindingStrict), which HTTP/1.1 cannot share; use HTTP/2, "
            "or send credentials");
        finish(act);
        return;
    }
    if (shard >= peers_count(api->peers)) {
        finish(act);
        return;
    }
    memcpy(act->id, id, strlen(id) + 1);
    if (shard == api->worker) {
        if (try_here(act, api) != WAITS)
            finish(act);
        return;
    }
    act->is_away = true;
    act->call.run = run_there;
    act->call.finish = finish_call;
    peers_call_one(api->peers, api->worker, shard, &act->call);
}

/* ---- the end of a turn ---- */

void on_connection_end_turn(struct on_connection *act, const struct api_exchange *exchange)
{
    const struct broker_service *service = &exchange->service->broker;
    struct broker_message *end;

    if (!act->has_turn)
        return;
    act->has_turn = false;
    end = broker_message_new(BROKER_END_CALL, service->index, 0);
    end->call_end.lane = act->turn.lane;
    memcpy(end->call_end.handle, act->handle, sizeof(end->call_end.handle));
    broker_send(service->broker, act->worker, end);
}

static void do_nothing(struct on_connection *act, struct sse_connection *connection)
{
    (void)act;
    (void)connection;
}

static void free_passing(struct on_connection *act)
{
    free(act);
}

void on_connection_pass(struct api_exchange *exchange, const char *id)
{
    struct on_connection *passing;

    if (exchange->order.number == 0 || exchange->is_in_order || !id)
        return;
    passing = mem_zalloc(sizeof(*passing));
    passing->order = ON_CONNECTION_PASS;
    passing->act = do_nothing;
    passing->done = free_passing;
    passing->is_counted = true;
    on_connection_start(passing, exchange, id);
}

static const struct h2_field unknown = {"x-sse-connection", "unknown"};

void on_connection_answer_unknown(struct api_exchange *exchange)
{
    api_reply_error_with(exchange, 404, &unknown,
                         "there is no such connection; connectionId is the one that connect-finish "
                         "told this page");
}

bool on_connection_is_dispensable(struct api_exchange *exchange)
{
    if (h2_stream_is_answered(exchange->stream))
        return false;
    if (exchange->service->settings->calls_without_connection && exchange->order.number == 0)
        return api_exchange_require_user(exchange);
    on_connection_answer_unknown(exchange);
    return false;
}

void on_connection_answer_data(struct api_exchange *exchange, json_t *data)
{
    api_reply_json_with(exchange, &unknown, data);
}
