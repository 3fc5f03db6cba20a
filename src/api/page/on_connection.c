/* SPDX-License-Identifier: Apache-2.0 */
#include "api/page/on_connection.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/exchange.h"
#include "api/exchange_identity.h"
#include "api/json_text.h"
#include "api/reply.h"
#include "base/mem.h"
#include "broker/call.h"
#include "h2/session.h"
#include "h2/stream.h"
#include "sse/user.h"

/* ---- the order of calls ---- */

/* Digits, which end at *rest. False: there are none, or too many. */
static bool read_digits(const char *text, const char **rest, uint64_t *number)
{
    *rest = text + strspn(text, "0123456789");
    *number = 0;
    while (text < *rest && *number <= CALL_ORDER_MOST)
        *number = *number * 10 + (uint64_t)(*text++ - '0');
    return text == *rest && *number > 0 && *number <= CALL_ORDER_MOST;
}

static bool read_number(const char *text, struct call_number *number)
{
    static const char after[] = ";after=";

    if (!read_digits(text, &text, &number->number))
        return false;
    if (*text == '\0')
        return true;
    return strncmp(text, after, strlen(after)) == 0 &&
           read_digits(text + strlen(after), &text, &number->after) && *text == '\0';
}

bool on_connection_read_order(struct api_exchange *exchange)
{
    const char *text = h2_request_header(exchange->request, "x-sse-order");
    struct call_number *number = &exchange->order;

    *number = (struct call_number){0, 0};
    if (!text || exchange->service->settings->core->ordered_calls == 0 || read_number(text, number))
        return true;
    *number = (struct call_number){0, 0};
    api_reply_error(exchange, 422,
                    "x-sse-order must be a whole number from 1 to %" PRIu64
                    ": the number of this call among those of its connection; or such as "
                    "\"17;after=3\", for a message that comes after a change of listeners",
                    CALL_ORDER_MOST);
    return false;
}

/* Those of others come and are answered in no order. */
static bool takes_turn(enum broker_operation operation)
{
    return operation == BROKER_ENTER || (operation >= BROKER_LISTEN && operation <= BROKER_REFRESH);
}

/* ---- asking ---- */

struct asking {
    struct broker_request request;
    struct api_exchange *exchange; /* a reference */
    on_connection_done done;
};

static void finish(const struct asking *asking, const struct broker_message *answer)
{
    struct api_exchange *exchange = asking->exchange;
    const enum broker_call_outcome outcome = answer->called.outcome;

    if (outcome == BROKER_CALL_TOO_OFTEN) {
        exchange->is_in_order = false;
        limits_refuse(exchange, LIMIT_USER_REQUESTS);
    } else if (outcome == BROKER_CALL_TOO_MANY) {
        api_reply_error(exchange, 429,
                        "%" PRIu32 " calls of this connection wait for their turn (orderedCalls); "
                        "send no more before one of them has its answer",
                        exchange->service->settings->core->ordered_calls);
    } else if (outcome == BROKER_CALL_REPLACED) {
        api_reply_error(exchange, 409,
                        "x-sse-order: another call of this connection has come with the number "
                        "%" PRIu64 ", and has its turn; this one has not run",
                        exchange->order.number);
    }
    asking->done(exchange, answer);
    api_exchange_unref(exchange);
}

static void on_answer(struct broker_request *request, const struct broker_message *answer)
{
    struct asking *asking = container_of(request, struct asking, request);

    finish(asking, answer);
    free(asking);
}

/* Where a bare id counts on the session of its stream alone, and this session has room for one
 * request at a time: the stream is on another one for certain. */
static bool refuse_unbound(struct api_exchange *exchange)
{
    const struct h2_session *session = h2_stream_session(exchange->stream);

    if (exchange->user || !session || !exchange->service->settings->session_binding_strict ||
        h2_session_is_shared(session))
        return false;
    api_reply_error(exchange, 403,
                    "connectionId counts on the connection of its event stream alone "
                    "(services[].sessionBindingStrict), which HTTP/1.1 cannot share; use HTTP/2, "
                    "or send credentials");
    return true;
}

/* The shard is told who asks; the exchange's own user belongs to this thread. */
static struct broker_message *make_call(enum broker_kind kind, const struct api_exchange *exchange,
                                        const char *id, size_t shard,
                                        const struct broker_call *call)
{
    const bool is_here = shard == exchange->api->worker;
    struct broker_call whole = *call;

    whole.id = id;
    if (exchange->user)
        whole.user = is_here ? sse_user_ref(exchange->user) : sse_user_copy(exchange->user);
    whole.session_number = exchange->session_number;
    whole.is_bound = exchange->service->settings->session_binding_strict;
    whole.lane = exchange->endpoint->lane;
    if (kind == BROKER_PASS_CALL || takes_turn(call->operation))
        whole.number = exchange->order;
    return broker_call_new(kind, exchange->service->index, &whole);
}

void on_connection_start(struct api_exchange *exchange, const char *id,
                         const struct broker_call *call, on_connection_done done)
{
    static const struct broker_message unknown = {.kind = BROKER_CALLED};
    struct broker *broker = exchange->api->broker;
    const size_t shard = broker_shard_of(broker, id);
    const struct asking asking = {
        .request.on_answer = on_answer,
        .exchange = api_exchange_ref(exchange),
        .done = done,
    };
    struct asking *asked;

    exchange->is_in_order |= takes_turn(call->operation);
    if (refuse_unbound(exchange) || shard == SIZE_MAX) {
        finish(&asking, &unknown);
        return;
    }
    asked = mem_alloc(sizeof(*asked));
    *asked = asking;
    broker_ask(broker, shard, make_call(BROKER_CALL, exchange, id, shard, call), &asked->request);
}

void on_connection_end_turn(const struct api_exchange *exchange, char *turn)
{
    struct broker *broker = exchange->api->broker;
    struct broker_message *end;

    if (turn[0] == '\0')
        return;
    end = broker_message_new(BROKER_END_CALL, exchange->service->index, 0);
    end->call_end.lane = exchange->endpoint->lane;
    memcpy(end->call_end.handle, turn, sizeof(end->call_end.handle));
    turn[0] = '\0';
    broker_send(broker, broker_shard_of(broker, end->call_end.handle), end);
}

void on_connection_pass(struct api_exchange *exchange, const char *id)
{
    static const struct broker_call nothing = {.operation = BROKER_FIND};
    struct broker *broker = exchange->api->broker;
    size_t shard;

    if (exchange->order.number == 0 || exchange->is_in_order || !id)
        return;
    exchange->is_in_order = true;
    shard = broker_shard_of(broker, id);
    if (shard != SIZE_MAX)
        broker_send(broker, shard, make_call(BROKER_PASS_CALL, exchange, id, shard, &nothing));
}

/* ---- answers ---- */

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

void on_connection_answer_no_data(struct api_exchange *exchange)
{
    on_connection_answer_data(exchange, json_pack("{s:s}", "error", "connectionId not exist"));
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

void on_connection_append_names(struct buf *text, const char *name,
                                const struct broker_names *names)
{
    buf_printf(text, "\"%s\":[", name);
    for (size_t i = 0; i < names->count; i++) {
        if (i > 0)
            buf_append_char(text, ',');
        json_text_string(text, names->texts[i]);
    }
    buf_append_char(text, ']');
}

void on_connection_answer_names(struct api_exchange *exchange, const char *name,
                                const struct broker_names *names)
{
    struct buf text = BUF_INIT;

    buf_append_char(&text, '{');
    on_connection_append_names(&text, name, names);
    buf_append_char(&text, '}');
    api_reply_data(exchange, &text);
}
