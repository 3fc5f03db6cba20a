/* SPDX-License-Identifier: Apache-2.0 */
/* message/{path}.do: a page says something to whoever handles that path. */
#include <stdlib.h>

#include "api/exchange.h"
#include "api/handlers.h"
#include "api/json_body.h"
#include "api/json_text.h"
#include "api/page/handler_call.h"
#include "api/page/handler_subject.h"
#include "api/page/on_connection.h"
#include "api/page/repeats.h"
#include "api/reply.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "sse/service.h"
#include "sse/user.h"

struct message {
    struct on_connection act;
    struct repeat_claim claim;
    struct handler_call call;
    struct handler_subject subject;
    struct api_exchange *exchange; /* a reference */
    const char *id;                /* of the connection; NULL: it names none */
    char *tenant_id, *user_id;     /* whose it is, once that is known */
    json_t *body;                  /* an object; NULL: there was none */
};

static void message_free(struct message *message)
{
    repeat_claim_release(&message->claim);
    handler_subject_release(&message->subject);
    json_decref(message->body);
    free(message->tenant_id);
    free(message->user_id);
    api_exchange_unref(message->exchange);
    free(message);
}

static const char *handler_of(const struct api_exchange *exchange)
{
    const char *url = exchange->service->settings->handlers.message_url;

    return url[0] != '\0' ? url : NULL;
}

/* ---- the answer ---- */

/* Of a request with a key: what it got, or that it did not get that far. */
static void settle(struct message *message, const struct api_answer *answer)
{
    if (message->claim.key)
        repeats_settle(&message->claim, message->exchange->service, answer);
}

static void answer_page(struct message *message, const struct api_answer *answer)
{
    settle(message, answer);
    api_reply_answer(message->exchange, answer);
    message_free(message);
}

static void on_handled(struct handler_call *call, enum handler_outcome outcome,
                       const struct api_answer *answer)
{
    struct message *message = container_of(call, struct message, call);

    (void)outcome;
    if (answer) {
        answer_page(message, answer);
        return;
    }
    settle(message, NULL);
    handler_call_refuse(call);
    message_free(message);
}

/* The query, less what is not for the handler, overlaid with the body. */
static void append_object(struct buf *text, const struct message *message)
{
    json_t *object = handler_subject_query(message->exchange);
    char *written;

    if (message->body)
        json_object_update(object, message->body);
    written = json_dumps(object, JSON_COMPACT);
    buf_printf(text, ",\"message\":%s}", written ? written : "{}");
    free(written);
    json_decref(object);
}

static void ask_handler(struct message *message, const char *url)
{
    struct buf text = BUF_INIT;

    handler_subject_open(&text, message->exchange, "message", &message->subject);
    append_object(&text, message);
    json_decref(message->body); /* a slow back end is waited for without it */
    message->body = NULL;
    message->call.done = on_handled;
    handler_call_post(&message->call, message->exchange, url, &text);
}

/* No handler is configured: the answer is the path. */
static void answer_path(struct message *message)
{
    struct buf text = BUF_INIT;
    struct api_answer answer;

    api_reply_begin(message->exchange, &text);
    json_text_string(&text, message->exchange->variable);
    answer = api_reply_make(message->exchange, &text);
    answer_page(message, &answer);
}

static void handle(struct message *message)
{
    const char *url = handler_of(message->exchange);

    if (url)
        ask_handler(message, url);
    else
        answer_path(message);
}

/* ---- the connection ---- */

static void count_request(struct on_connection *act, struct sse_connection *connection)
{
    struct message *message = container_of(act, struct message, act);

    connection->request_message_count++;
    connection->last_request_time = loop_wall_ms(connection->home->loop);
    if (handler_of(message->exchange))
        handler_subject_note(&message->subject, message->exchange, connection, false);
}

static void on_counted(struct on_connection *act)
{
    struct message *message = container_of(act, struct message, act);

    if (act->found) {
        handle(message);
        return;
    }
    settle(message, NULL);
    on_connection_answer_unknown(message->exchange);
    message_free(message);
}

static void count_and_handle(struct message *message)
{
    message->act = (struct on_connection){
        .act = count_request, .done = on_counted, .is_counted = message->user_id != NULL};
    on_connection_start(&message->act, message->exchange, message->id);
}

/* ---- with an idempotency-key ---- */

static void on_claimed(struct repeat_claim *claim)
{
    struct message *message = container_of(claim, struct message, claim);

    if (claim->answer.body) {
        api_reply_answer(message->exchange,
                         &(struct api_answer){claim->answer.status, bytes_ref(claim->answer.body)});
        message_free(message);
    } else if (message->id) {
        count_and_handle(message);
    } else {
        handle(message);
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
    on_connection_answer_unknown(act->exchange);
    message_free(message);
}

/* ---- the request ---- */

/* False: it has been answered. */
static bool read_body(struct api_exchange *exchange, json_t **body)
{
    *body = exchange->body_length > 0 ? api_json_body_object(exchange) : NULL;
    return exchange->body_length == 0 || *body;
}

static void start_on_connection(struct message *message, bool has_key)
{
    if (!has_key) {
        count_and_handle(message);
        return;
    }
    message->act = (struct on_connection){.act = note_owner, .done = on_owner};
    on_connection_start(&message->act, message->exchange, message->id);
}

static void start_for_user(struct message *message, bool has_key)
{
    const struct sse_user *user = message->exchange->user;

    if (handler_of(message->exchange))
        handler_subject_note_user(&message->subject, user);
    if (has_key)
        repeats_claim(&message->claim, message->exchange, user->tenant_id, user->id);
    else
        handle(message);
}

void api_handle_message(struct api_exchange *exchange)
{
    const char *id = h2_form_get(&exchange->query, "connectionId");
    struct message *message;
    bool is_refused, has_key = repeats_key(exchange, &is_refused) != NULL;
    json_t *body;

    if (is_refused || !read_body(exchange, &body))
        return;
    message = mem_zalloc(sizeof(*message));
    message->exchange = api_exchange_ref(exchange);
    message->claim.done = on_claimed;
    message->body = body;
    message->id = id && id[0] != '\0' ? id : NULL;
    if (message->id)
        start_on_connection(message, has_key);
    else if (api_exchange_require_user(exchange))
        start_for_user(message, has_key);
    else
        message_free(message);
}
