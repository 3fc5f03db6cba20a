/* SPDX-License-Identifier: Apache-2.0 */
/* message/{path}.do: a page says something to whoever handles that path. */
#include <stdlib.h>
#include <string.h>

#include "api/exchange.h"
#include "api/input.h"
#include "api/page/connection.h"
#include "api/page/handler.h"
#include "api/reply.h"
#include "api/routes.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/json_raw.h"
#include "base/mem.h"
#include "sse/service.h"
#include "sse/user.h"

struct message {
    struct key_claim claim;
    struct handler_call call;
    struct handler_subject subject;
    struct api_exchange *exchange; /* a reference */
    const char *id;                /* of the connection; NULL: it names none */
    bool has_entered;              /* it has been found there before, */
    char turn[SSE_HANDLE_SIZE];    /* which waits for its end; "": it does not */
    char *handler_url;             /* of the settings when it came; NULL: nobody is to hear it */
    char *object;                  /* JSON: what it says, for the handler */
};

static void message_free(struct message *message)
{
    on_connection_end_turn(message->exchange, message->turn);
    key_claim_release(&message->claim);
    handler_subject_release(&message->subject);
    free(message->handler_url);
    free(message->object);
    api_exchange_unref(message->exchange);
    free(message);
}

/* ---- the answer ---- */

static void answer_page(struct message *message, const struct api_answer *answer)
{
    idempotency_key_settle(&message->claim, message->exchange->service, answer);
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
    idempotency_key_settle(&message->claim, message->exchange->service, NULL);
    handler_call_refuse(call);
    message_free(message);
}

static void ask_handler(struct message *message)
{
    struct buf text = BUF_INIT;

    handler_subject_open(&text, message->exchange, "message", &message->subject);
    buf_printf(&text, ",\"message\":%s}", message->object ? message->object : "{}");
    free(message->object); /* a slow back end is waited for without it */
    message->object = NULL;
    message->call.done = on_handled;
    handler_call_post(&message->call, message->exchange, message->handler_url, &text);
}

/* No handler is configured: the answer is the path. */
static void answer_path(struct message *message)
{
    struct buf text = BUF_INIT;
    struct api_answer answer;

    json_text_string(&text, api_exchange_path(message->exchange));
    answer = api_reply_make_data(message->exchange, 200, &text);
    answer_page(message, &answer);
}

static void handle(struct message *message)
{
    if (message->handler_url)
        ask_handler(message);
    else
        answer_path(message);
}

/* ---- the connection ---- */

static void note_caller(struct message *message)
{
    if (message->handler_url)
        handler_subject_note_user(&message->subject, message->exchange->user);
}

/* Where its connection has ended while it waited for its turn, it is as it was then. */
static void on_counted(struct api_exchange *exchange, const struct broker_message *answer)
{
    struct message *message = exchange->context;
    const bool is_found = on_connection_is_found(answer);

    if (is_found)
        handler_subject_note(&message->subject, answer);
    if (is_found || message->turn[0] != '\0') {
        handle(message);
        return;
    }
    if (on_connection_is_dispensable(exchange)) {
        note_caller(message);
        handle(message);
        return;
    }
    idempotency_key_settle(&message->claim, message->exchange->service, NULL);
    message_free(message);
}

static void count_and_handle(struct message *message)
{
    on_connection_start(message->exchange, message->id,
                        &(struct broker_call){.operation = BROKER_COUNT_MESSAGE,
                                              .is_counted = message->has_entered,
                                              .telling = message->subject.telling},
                        on_counted);
}

/* ---- with an idempotency-key ---- */

static void on_claimed(struct key_claim *claim)
{
    struct message *message = container_of(claim, struct message, claim);

    if (claim->is_refused) {
        message_free(message);
    } else if (claim->answer.body) {
        api_reply_answer(message->exchange,
                         &(struct api_answer){claim->answer.status, bytes_ref(claim->answer.body)});
        message_free(message);
    } else if (message->id) {
        count_and_handle(message);
    } else {
        handle(message);
    }
}

/* ---- whose it is, and its turn ---- */

static bool has_key(const struct message *message)
{
    return h2_request_header(message->exchange->request, "idempotency-key") != NULL;
}

static void start_for_user(struct message *message)
{
    const struct sse_user *user = message->exchange->user;

    message->id = NULL;
    note_caller(message);
    if (has_key(message))
        idempotency_key_claim(&message->claim, message->exchange, user->tenant_id, user->id);
    else
        handle(message);
}

static void on_entered(struct api_exchange *exchange, const struct broker_message *answer)
{
    struct message *message = exchange->context;
    const struct broker_called *called = &answer->called;

    if (on_connection_is_found(answer)) {
        handler_subject_note(&message->subject, answer);
        memcpy(message->turn, called->turn, sizeof(message->turn));
        message->has_entered = true;
    }
    if (message->has_entered && has_key(message))
        idempotency_key_claim(&message->claim, exchange, called->tenant_id, called->user_id);
    else if (message->has_entered)
        count_and_handle(message);
    else if (on_connection_is_dispensable(exchange))
        start_for_user(message);
    else
        message_free(message);
}

/* ---- the request ---- */

static void drop_member(void *context, const char *key)
{
    (void)json_object_del(context, key);
}

/* The query, less what is not for the handler, overlaid with the body, which is as the page wrote
 * it: as text, since it may wait for its turn. */
static char *overlay(const struct api_exchange *exchange, const char *body)
{
    json_t *query = handler_subject_query(exchange);
    struct buf text = BUF_INIT;
    char *written;

    json_raw_each_key(body, drop_member, query);
    written = json_object_size(query) > 0 ? json_dumps(query, JSON_COMPACT) : NULL;
    if (written) {
        buf_append(&text, written, strlen(written) - 1);
        buf_append_str(&text, body[1] == '}' ? "" : ",");
    }
    buf_append_str(&text, body + (written ? 1 : 0));
    free(written);
    json_decref(query);
    return buf_detach(&text);
}

/* False: it has been answered. */
static bool read_object(struct api_exchange *exchange, bool has_handler, char **object)
{
    char *body;

    *object = NULL;
    if (!api_json_body_raw(exchange, &body))
        return false;
    if (has_handler)
        *object = overlay(exchange, body ? body : "{}");
    free(body);
    return true;
}

static void start_on_connection(struct message *message)
{
    struct broker_call entry = {.operation = BROKER_ENTER};

    if (!has_key(message) && message->exchange->order.number == 0) {
        count_and_handle(message);
        return;
    }
    if (message->exchange->order.number > 0)
        entry.telling = message->subject.telling;
    on_connection_start(message->exchange, message->id, &entry, on_entered);
}

static void refuse_order(struct message *message)
{
    api_reply_error(message->exchange, 422,
                    "x-sse-order numbers the calls of a connection: name it by connectionId, or "
                    "leave the field out");
    message_free(message);
}

void api_handle_message(struct api_exchange *exchange)
{
    const char *id = h2_form_get(&exchange->query, "connectionId");
    const struct api_handler_settings *handlers = &exchange->service->settings->handlers;
    const bool has_handler = handlers->message_url[0] != '\0';
    struct message *message;
    bool is_refused;
    char *object;

    (void)idempotency_key_of(exchange, &is_refused);
    if (is_refused || !read_object(exchange, has_handler, &object))
        return;
    message = mem_zalloc(sizeof(*message));
    message->handler_url = has_handler ? mem_strdup(handlers->message_url) : NULL;
    message->exchange = api_exchange_ref(exchange);
    exchange->context = message;
    message->subject.telling =
        (struct broker_telling){.is_wanted = has_handler, .has_token = handlers->message_has_token};
    message->claim.done = on_claimed;
    message->object = object;
    message->id = id && id[0] != '\0' ? id : NULL;
    if (message->id)
        start_on_connection(message);
    else if (exchange->order.number > 0)
        refuse_order(message);
    else if (api_exchange_require_user(exchange))
        start_for_user(message);
    else
        message_free(message);
}
