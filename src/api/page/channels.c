/* SPDX-License-Identifier: Apache-2.0 */
/* subscribe.do and unsubscribe.do: a page changes the channels of its open stream. */
#include <stdlib.h>

#include "api/exchange.h"
#include "api/handlers.h"
#include "api/json_body.h"
#include "api/page/channel_rights.h"
#include "api/page/name_list.h"
#include "api/page/on_connection.h"
#include "api/reply.h"
#include "base/mem.h"
#include "sse/registry.h"
#include "sse/service.h"

struct channels_act {
    struct on_connection base;
    bool subscribes;
    json_t *body; /* holds the names */
    struct name_list names;
    json_t *channels;    /* the result */
    const char *refused; /* or this: one of the names */
    bool too_many;       /* or this */
};

static uint32_t limit_of(const struct api_exchange *exchange)
{
    return exchange->service->settings->core->channels_per_connection;
}

static bool would_be_too_many(const struct channels_act *act,
                              const struct sse_connection *connection)
{
    return sse_registry_name_count(connection, SSE_GROUP_CHANNEL) +
               name_list_count_new(&act->names, connection, sse_connection_has_channel) >
           connection->service->settings->channels_per_connection;
}

/* Who asks without a credential asks as the connection's user. */
static const char *find_refused(const struct channels_act *act,
                                const struct sse_connection *connection)
{
    const struct api_exchange *exchange = act->base.exchange;

    return channel_rights_refused(act->base.here->settings,
                                  exchange->user ? exchange->user : connection->user,
                                  act->names.names, act->names.count);
}

static void change(struct on_connection *base, struct sse_connection *connection)
{
    struct channels_act *act = container_of(base, struct channels_act, base);

    if (act->subscribes) {
        act->refused = find_refused(act, connection);
        act->too_many = !act->refused && would_be_too_many(act, connection);
        if (!act->refused && !act->too_many)
            sse_connection_subscribe(connection, act->names.names, act->names.count);
    } else {
        sse_connection_unsubscribe(connection, act->names.names, act->names.count);
    }
    act->channels = sse_connection_channels(connection);
}

static void act_free(struct channels_act *act)
{
    json_decref(act->channels);
    name_list_release(&act->names);
    json_decref(act->body);
    free(act);
}

static void answer(struct on_connection *base)
{
    struct channels_act *act = container_of(base, struct channels_act, base);
    struct api_exchange *exchange = base->exchange;

    if (act->refused)
        channel_rights_refuse(exchange, act->refused);
    else if (act->too_many)
        api_reply_error(exchange, 422,
                        "a connection may have %u channels at the most "
                        "(services[].channelsPerConnection)",
                        limit_of(exchange));
    else if (base->found)
        api_reply_json(exchange, json_pack("{s:O}", "channel", act->channels));
    else
        on_connection_answer_data(exchange, json_pack("{s:s}", "error", "connectionId not exist"));
    act_free(act);
}

/* NULL, or what is wrong. */
static const char *read_names(struct name_list *names, const json_t *body)
{
    const json_t *one = json_object_get(body, "channel");
    const json_t *several = json_object_get(body, "channels");
    const char *fault = NULL;

    if (one)
        fault = name_list_add_json(names, NAME_OF_CHANNEL, one);
    if (several && !fault)
        fault = name_list_add_json(names, NAME_OF_CHANNEL, several);
    if (!fault && names->count == 0)
        fault = "it is missing; give the name of a channel, or an array of names";
    return fault;
}

static void start(struct api_exchange *exchange, bool subscribes)
{
    json_t *body = api_json_body_members(exchange);
    const char *id = body ? api_json_member_id(body, "connectionId") : NULL;
    struct channels_act *act;
    const char *fault;

    if (!body)
        return;
    act = mem_zalloc(sizeof(*act));
    act->base.act = change;
    act->base.done = answer;
    act->base.order = ON_CONNECTION_ACT;
    act->subscribes = subscribes;
    act->body = body;
    fault = read_names(&act->names, body);
    if (!fault && id) {
        on_connection_start(&act->base, exchange, id);
        return;
    }
    if (fault)
        api_reply_error(exchange, 422, "\"channel\": %s", fault);
    else
        api_reply_error(exchange, 422,
                        "\"connectionId\" is missing; it is the one that connect-finish told");
    on_connection_pass(exchange, id);
    act_free(act);
}

void api_handle_subscribe(struct api_exchange *exchange)
{
    start(exchange, true);
}

void api_handle_unsubscribe(struct api_exchange *exchange)
{
    start(exchange, false);
}
