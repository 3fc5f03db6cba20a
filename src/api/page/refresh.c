/* SPDX-License-Identifier: Apache-2.0 */
/* refresh.do: a page shows another credential of its user, and its stream lives on by that. */
#include <inttypes.h>

#include "api/exchange.h"
#include "api/exchange_identity.h"
#include "api/handlers.h"
#include "api/json_body.h"
#include "api/page/on_connection.h"
#include "api/reply.h"

static void answer(struct api_exchange *exchange, const struct broker_message *message)
{
    const struct broker_called *called = &message->called;
    struct buf text = BUF_INIT;

    if (!on_connection_is_found(message)) {
        on_connection_answer_no_data(exchange);
        return;
    }
    buf_append_str(&text, "{\"expiresAt\":");
    if (called->expires_at > 0)
        buf_printf(&text, "%" PRId64 ",", called->expires_at);
    else
        buf_append_str(&text, "null,");
    on_connection_append_names(&text, "channel", &called->names);
    buf_append_char(&text, ',');
    on_connection_append_names(&text, "removed", &called->removed);
    buf_append_char(&text, '}');
    api_reply_data(exchange, &text);
}

static void on_identity(struct api_exchange *exchange)
{
    json_t *body = exchange->context;
    const char *id = api_json_member_text(body, "connectionId");

    exchange->credential = NULL; /* the body's */
    if (!api_exchange_refuse_wrong(exchange) && api_exchange_require_user(exchange))
        on_connection_start(exchange, id, &(struct broker_call){.operation = BROKER_REFRESH},
                            answer);
    on_connection_pass(exchange, id);
    json_decref(body);
}

void api_handle_refresh(struct api_exchange *exchange)
{
    json_t *body = api_json_body_members(exchange);
    const char *id = body ? api_json_member_text(body, "connectionId") : NULL;

    if (!body)
        return;
    exchange->credential = api_json_member_text(body, "accessToken");
    if (id && (exchange->credential || !json_object_get(body, "accessToken"))) {
        exchange->context = body;
        api_exchange_identify(exchange, on_identity);
        return;
    }
    exchange->credential = NULL;
    if (!id)
        api_reply_error(exchange, 422,
                        "\"connectionId\" is missing; it is the one that connect-finish told");
    else
        api_reply_error(exchange, 422,
                        "\"accessToken\" must be a text that is not empty; or leave it out");
    on_connection_pass(exchange, id);
    json_decref(body);
}
