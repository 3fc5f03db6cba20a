/* SPDX-License-Identifier: Apache-2.0 */
/* addListener.do and removeListener.do: what a page says that it listens to. */
#include <stdlib.h>

#include "api/exchange.h"
#include "api/exchange_identity.h"
#include "api/handlers.h"
#include "api/json_body.h"
#include "api/page/name_list.h"
#include "api/page/on_connection.h"
#include "api/reply.h"
#include "base/mem.h"
#include "sse/registry.h"
#include "sse/service.h"

struct listeners_act {
    struct on_connection base;
    bool add;
    json_t *body;      /* holds the names */
    json_t *listening; /* the result */
    bool too_many;     /* or this */
    struct name_list names;
};

static bool would_be_too_many(const struct sse_connection *connection,
                              const struct name_list *names)
{
    return sse_registry_name_count(connection, SSE_GROUP_LISTENER) +
               name_list_count_new(names, connection, sse_connection_is_listening) >
           connection->service->settings->listeners;
}

static void change(struct on_connection *base, struct sse_connection *connection)
{
    struct listeners_act *act = container_of(base, struct listeners_act, base);

    if (!act->add)
        sse_connection_remove_listeners(connection, act->names.names, act->names.count);
    else if (would_be_too_many(connection, &act->names))
        act->too_many = true;
    else
        sse_connection_add_listeners(connection, act->names.names, act->names.count);
    act->listening = sse_connection_listeners(connection);
}

static uint32_t limit_of(const struct api_exchange *exchange)
{
    return exchange->service->settings->core->listeners;
}

static void refuse_number(struct api_exchange *exchange)
{
    api_reply_error(exchange, 422,
                    "\"listener\": a connection may listen to %u events at the most "
                    "(services[].listeners)",
                    limit_of(exchange));
}

static void answer(struct on_connection *base)
{
    struct listeners_act *act = container_of(base, struct listeners_act, base);
    struct api_exchange *exchange = base->exchange;

    if (act->too_many)
        refuse_number(exchange);
    else if (base->found)
        api_reply_json(exchange, json_pack("{s:O}", "listener", act->listening));
    else
        on_connection_answer_data(exchange, json_pack("{s:s}", "error", "connectionId not exist"));
    json_decref(act->listening);
    json_decref(act->body);
    name_list_release(&act->names);
    free(act);
}

static void start(struct api_exchange *exchange, json_t *body, bool add)
{
    const char *id = api_json_member_id(body, "connectionId");
    const json_t *names = json_object_get(body, "listener");
    struct listeners_act *act;
    const char *fault = NULL;

    if (names && !json_is_null(names) && !json_is_array(names)) {
        api_reply_error(exchange, 422, "\"listener\" must be an array of the names of events");
        on_connection_pass(exchange, id);
        json_decref(body);
        return;
    }
    if (!id || json_array_size(names) == 0) {
        /* Who names no connection must say who it is: pages ask like that why they were refused. */
        if (id || api_exchange_require_user(exchange))
            api_reply_json(exchange, json_pack("{s:n}", "listener"));
        on_connection_pass(exchange, id);
        json_decref(body);
        return;
    }
    if (json_array_size(names) > limit_of(exchange)) {
        refuse_number(exchange);
        on_connection_pass(exchange, id);
        json_decref(body);
        return;
    }
    act = mem_zalloc(sizeof(*act));
    act->base.act = change;
    act->base.done = answer;
    act->base.order = ON_CONNECTION_ACT;
    act->add = add;
    act->body = body;
    fault = name_list_add_json(&act->names, NAME_OF_EVENT, names);
    if (!fault) {
        on_connection_start(&act->base, exchange, id);
        return;
    }
    api_reply_error(exchange, 422, "\"listener\": %s", fault);
    on_connection_pass(exchange, id);
    name_list_release(&act->names);
    json_decref(body);
    free(act);
}

void api_handle_add_listener(struct api_exchange *exchange)
{
    json_t *body = api_json_body_members(exchange);

    if (body)
        start(exchange, body, true);
}

void api_handle_remove_listener(struct api_exchange *exchange)
{
    json_t *body = api_json_body_members(exchange);

    if (body)
        start(exchange, body, false);
}
