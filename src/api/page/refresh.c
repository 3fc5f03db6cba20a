/* SPDX-License-Identifier: Apache-2.0 */
/* refresh.do: a page shows another credential of its user, and its stream lives on by that. */
#include <stdlib.h>

#include "api/exchange.h"
#include "api/exchange_identity.h"
#include "api/handlers.h"
#include "api/json_body.h"
#include "api/page/channel_rights.h"
#include "api/page/on_connection.h"
#include "api/reply.h"
#include "base/mem.h"
#include "sse/registry.h"
#include "sse/service.h"
#include "sse/user.h"

struct refresh {
    struct on_connection act;
    json_t *body;
    const char *id;             /* the body's */
    int64_t expires_at;         /* the results: 0 for never */
    json_t *channels, *removed; /* what the connection has now, and has no more */
};

static void refresh_free(struct refresh *refresh)
{
    json_decref(refresh->channels);
    json_decref(refresh->removed);
    json_decref(refresh->body);
    free(refresh);
}

/* What the new credential does not allow is left. Returns the names, a new array. */
static json_t *leave_channels(const struct api_service_settings *settings,
                              struct sse_connection *connection)
{
    json_t *removed = json_array();

    for (size_t i = 0; i < sse_registry_name_count(connection, SSE_GROUP_CHANNEL); i++) {
        const char *channel = sse_registry_name(connection, SSE_GROUP_CHANNEL, i);

        if (!channel_rights_allow(settings, connection->user, channel))
            json_array_append_new(removed, json_string(channel));
    }
    for (size_t i = 0; i < json_array_size(removed); i++) {
        const char *channel = json_string_value(json_array_get(removed, i));

        sse_connection_unsubscribe(connection, &channel, 1);
    }
    return removed;
}

static void replace_user(struct on_connection *act, struct sse_connection *connection)
{
    struct refresh *refresh = container_of(act, struct refresh, act);
    /* The exchange's own user belongs to the thread of the request. */
    struct sse_user *user = sse_user_copy(act->exchange->user);

    sse_connection_set_user(connection, user);
    sse_user_unref(user);
    refresh->removed = leave_channels(act->here->settings, connection);
    refresh->channels = sse_connection_channels(connection);
    refresh->expires_at = connection->expiry.at;
}

static void answer(struct on_connection *act)
{
    struct refresh *refresh = container_of(act, struct refresh, act);
    json_t *expires_at = refresh->expires_at > 0 ? json_integer(refresh->expires_at) : json_null();

    if (act->found)
        api_reply_json(act->exchange, json_pack("{s:O,s:O,s:O}", "expiresAt", expires_at, "channel",
                                                refresh->channels, "removed", refresh->removed));
    else
        on_connection_answer_data(act->exchange,
                                  json_pack("{s:s}", "error", "connectionId not exist"));
    json_decref(expires_at);
    refresh_free(refresh);
}

static void on_identity(struct api_exchange *exchange)
{
    struct refresh *refresh = exchange->context;

    exchange->credential = NULL; /* the body's, which goes with the act */
    if (!api_exchange_refuse_wrong(exchange) && api_exchange_require_user(exchange)) {
        on_connection_start(&refresh->act, exchange, refresh->id);
        return;
    }
    on_connection_pass(exchange, refresh->id);
    refresh_free(refresh);
}

/* NULL, or what is wrong. */
static const char *read_body(struct refresh *refresh, struct api_exchange *exchange)
{
    const json_t *token = json_object_get(refresh->body, "accessToken");

    refresh->id = api_json_member_text(refresh->body, "connectionId");
    if (!refresh->id)
        return "\"connectionId\" is missing; it is the one that connect-finish told";
    exchange->credential = api_json_member_text(refresh->body, "accessToken");
    if (token && !exchange->credential)
        return "\"accessToken\" must be a text that is not empty; or leave it out";
    return NULL;
}

void api_handle_refresh(struct api_exchange *exchange)
{
    json_t *body = api_json_body_members(exchange);
    struct refresh *refresh;
    const char *fault;

    if (!body)
        return;
    refresh = mem_zalloc(sizeof(*refresh));
    refresh->act.act = replace_user;
    refresh->act.done = answer;
    refresh->act.order = ON_CONNECTION_ACT;
    refresh->body = body;
    fault = read_body(refresh, exchange);
    if (fault) {
        api_reply_error(exchange, 422, "%s", fault);
        on_connection_pass(exchange, refresh->id);
        refresh_free(refresh);
        return;
    }
    exchange->context = refresh;
    api_exchange_identify(exchange, on_identity);
}
