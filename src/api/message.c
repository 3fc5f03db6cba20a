/* SPDX-License-Identifier: Apache-2.0 */
/* message/{path}.do: a page says something to whoever handles that path. */
#include <stdlib.h>

#include "api/exchange.h"
#include "api/handlers.h"
#include "api/json_body.h"
#include "api/json_text.h"
#include "api/on_connection.h"
#include "api/reply.h"
#include "base/mem.h"
#include "sse/service.h"

/* No handler is configured: the answer is the path. */
static void answer_path(struct api_exchange *exchange)
{
    struct buf text = BUF_INIT;

    api_reply_begin(exchange, &text);
    json_text_string(&text, exchange->variable);
    api_reply_end(exchange, &text);
}

static void count_request(struct on_connection *act, struct sse_connection *connection)
{
    (void)act;
    connection->request_message_count++;
    connection->last_request_time = loop_wall_ms(connection->home->loop);
}

static void answer(struct on_connection *act)
{
    if (act->found)
        answer_path(act->exchange);
    else
        api_reply_error(act->exchange, 404,
                        "there is no such connection; connectionId is the one that connect-finish "
                        "told this page");
    free(act);
}

static bool is_body_acceptable(struct api_exchange *exchange)
{
    json_t *body;

    if (exchange->body_length == 0)
        return true;
    body = api_json_body_object(exchange);
    json_decref(body);
    return body != NULL;
}

void api_handle_message(struct api_exchange *exchange)
{
    const char *id = h2_form_get(&exchange->query, "connectionId");
    struct on_connection *act;

    if (!is_body_acceptable(exchange))
        return;
    if (!id || id[0] == '\0') {
        if (api_exchange_require_user(exchange))
            answer_path(exchange);
        return;
    }
    act = mem_zalloc(sizeof(*act));
    act->act = count_request;
    act->done = answer;
    on_connection_start(act, exchange, id);
}
