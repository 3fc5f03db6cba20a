/* SPDX-License-Identifier: Apache-2.0 */
/* message/{path}.do: a page says something to whoever handles that path. */
#include <stdlib.h>

#include "api/exchange.h"
#include "api/handlers.h"
#include "api/json_body.h"
#include "api/json_text.h"
#include "api/on_connection.h"
#include "api/repeats.h"
#include "api/reply.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "sse/service.h"
#include "sse/user.h"

struct message {
    struct on_connection act;
    struct repeat_claim claim;
    const char *id;            /* of the connection; NULL: it names none */
    char *tenant_id, *user_id; /* whose it is, once that is known */
};

static void message_free(struct message *message)
{
    repeat_claim_release(&message->claim);
    free(message->tenant_id);
    free(message->user_id);
    free(message);
}

/* No handler is configured: the answer is the path. Returns a reference. */
static struct bytes *make_answer(const struct api_exchange *exchange)
{
    struct buf text = BUF_INIT;

    api_reply_begin(exchange, &text);
    json_text_string(&text, exchange->variable);
    return api_reply_finish(exchange, &text);
}

static void answer_path(struct api_exchange *exchange)
{
    api_reply_bytes(exchange, make_answer(exchange));
}

static void answer_unknown(struct api_exchange *exchange)
{
    api_reply_error(exchange, 404,
                    "there is no such connection; connectionId is the one that connect-finish "
                    "told this page");
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
        answer_unknown(act->exchange);
    message_free(container_of(act, struct message, act));
}

/* ---- with an idempotency-key ---- */

static void answer_first(struct message *message, struct api_exchange *exchange)
{
    struct bytes *body = make_answer(exchange);

    repeats_settle(&message->claim, exchange->service, body);
    api_reply_bytes(exchange, body);
    message_free(message);
}

static void on_counted(struct on_connection *act)
{
    struct message *message = container_of(act, struct message, act);

    if (act->found) {
        answer_first(message, act->exchange);
        return;
    }
    repeats_settle(&message->claim, act->exchange->service, NULL);
    answer_unknown(act->exchange);
    message_free(message);
}

static void on_claimed(struct repeat_claim *claim)
{
    struct message *message = container_of(claim, struct message, claim);
    struct api_exchange *exchange = claim->exchange;

    if (claim->answer) {
        api_reply_bytes(exchange, bytes_ref(claim->answer));
        message_free(message);
    } else if (message->id) {
        message->act = (struct on_connection){.act = count_request, .done = on_counted};
        on_connection_start(&message->act, exchange, message->id);
    } else {
        answer_first(message, exchange);
    }
}

static void note_owner(struct on_connection *act, struct sse_connection *connection)
{
    struct message *message = container_of(act, struct message, act);

    message->tenant_id = mem_strdup(connection->user->tenant_id);
    message->user_id = mem_strdup(connection->user->id);
}

static void on_owner(struct on_connection *act)
{
    struct message *message = container_of(act, struct message, act);

    if (act->found) {
        repeats_claim(&message->claim, act->exchange, message->tenant_id, message->user_id);
        return;
    }
    answer_unknown(act->exchange);
    message_free(message);
}

/* ---- the request ---- */

static bool is_body_acceptable(struct api_exchange *exchange)
{
    json_t *body;

    if (exchange->body_length == 0)
        return true;
    body = api_json_body_object(exchange);
    json_decref(body);
    return body != NULL;
}

static void start_on_connection(struct api_exchange *exchange, const char *id, bool has_key)
{
    struct message *message = mem_zalloc(sizeof(*message));

    message->id = id;
    message->claim.done = on_claimed;
    message->act.act = has_key ? note_owner : count_request;
    message->act.done = has_key ? on_owner : answer;
    on_connection_start(&message->act, exchange, id);
}

static void start_for_user(struct api_exchange *exchange, bool has_key)
{
    struct message *message;

    if (!has_key) {
        answer_path(exchange);
        return;
    }
    message = mem_zalloc(sizeof(*message));
    message->claim.done = on_claimed;
    repeats_claim(&message->claim, exchange, exchange->user->tenant_id, exchange->user->id);
}

void api_handle_message(struct api_exchange *exchange)
{
    const char *id = h2_form_get(&exchange->query, "connectionId");
    bool is_refused, has_key;

    if (!is_body_acceptable(exchange))
        return;
    has_key = repeats_key(exchange, &is_refused) != NULL;
    if (is_refused)
        return;
    if (id && id[0] != '\0')
        start_on_connection(exchange, id, has_key);
    else if (api_exchange_require_user(exchange))
        start_for_user(exchange, has_key);
}
