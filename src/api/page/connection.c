/* SPDX-License-Identifier: Apache-2.0 */
#include "api/page/connection.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/exchange.h"
#include "api/input.h"
#include "api/limit.h"
#include "api/reply.h"
#include "api/routes.h"
#include "base/json.h"
#include "base/mem.h"
#include "broker/call.h"
#include "broker/subscriber.h"
#include "h2/session.h"
#include "h2/stream.h"
#include "sse/event.h"
#include "sse/names.h"
#include "sse/service.h"
#include "sse/user.h"

/* ---- the order of calls ---- */

/* Digits, which end at *rest. False: there are none, or too many. */
static bool read_digits(const char *text, const char **rest, uint64_t *number)
{
    *rest = text + strspn(text, "0123456789");
    *number = *rest > text ? strtoull(text, NULL, 10) : 0;
    return *number > 0 && *number <= CALL_ORDER_MOST;
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

/* Several may be under way for one exchange: its body may have come whole while it is asked whose
 * it is. */
struct asking {
    struct broker_request request;
    struct api_exchange *exchange; /* a reference */
    api_reply_to done;
};

static void finish(const struct asking *asking, const struct broker_message *answer)
{
    struct api_exchange *exchange = asking->exchange;
    const enum broker_call_outcome outcome = answer->called.outcome;

    if (outcome == BROKER_CALL_TOO_OFTEN) {
        exchange->is_in_order = false;
        limit_refuse(exchange, LIMIT_USER_REQUESTS);
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

static void on_called(struct broker_request *request, const struct broker_message *answer)
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
    whole.queue = exchange->endpoint->queue;
    whole.traceparent = api_exchange_notified_traceparent(exchange);
    if (kind == BROKER_PASS_CALL || takes_turn(call->operation))
        whole.number = exchange->order;
    return broker_call_new(kind, exchange->service->index, &whole);
}

void on_connection_start(struct api_exchange *exchange, const char *id,
                         const struct broker_call *call, api_reply_to done)
{
    static const struct broker_message unknown = {.kind = BROKER_CALLED};
    struct broker *broker = exchange->api->broker;
    const size_t shard = broker_shard_of(broker, id);
    const struct asking asking = {{.on_answer = on_called}, api_exchange_ref(exchange), done};
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
    end->call_end.queue = exchange->endpoint->queue;
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

static void answer_data(struct api_exchange *exchange, json_t *data)
{
    api_reply_json_with(exchange, &unknown, data);
}

static void answer_no_data(struct api_exchange *exchange)
{
    answer_data(exchange, json_pack("{s:s}", "error", "connectionId not exist"));
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

/* "name":["…"] */
static void append_names(struct buf *text, const char *name, const struct broker_names *names)
{
    json_text_next(text);
    buf_printf(text, "\"%s\":[", name);
    for (size_t i = 0; i < names->count; i++) {
        json_text_next(text);
        json_text_string(text, names->texts[i]);
    }
    buf_append_char(text, ']');
}

/* 200 with an object that has nothing else. */
static void answer_names(struct api_exchange *exchange, const char *name,
                         const struct broker_names *names)
{
    struct buf text = BUF_INIT;

    buf_append_char(&text, '{');
    append_names(&text, name, names);
    buf_append_char(&text, '}');
    api_reply_data(exchange, &text);
}

/* ---- the calls ---- */

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

static void answer_listeners(struct api_exchange *exchange, const struct broker_message *message)
{
    if (message->called.is_full)
        refuse_number(exchange);
    else if (on_connection_is_found(message))
        answer_names(exchange, "listener", &message->called.names);
    else
        answer_no_data(exchange);
}

/* Whatever the endpoint does with the names. */
static void call_with_names(struct api_exchange *exchange, const char *id,
                            const struct name_list *names, api_reply_to done)
{
    on_connection_start(
        exchange, id,
        &(struct broker_call){.operation = (enum broker_operation)exchange->endpoint->what,
                              .names = {names->names, names->count}},
        done);
}

void api_handle_change_listeners(struct api_exchange *exchange)
{
    json_t *body = api_json_body_members(exchange);
    const char *id = body ? api_json_member_id(body, "connectionId") : NULL;
    const json_t *listed = json_object_get(body, "listener");
    struct name_list names = {0};
    const char *fault = NULL;

    if (!body)
        return;
    if (listed && !json_is_null(listed) && !json_is_array(listed)) {
        api_reply_error(exchange, 422, "\"listener\" must be an array of the names of events");
    } else if (!id || json_array_size(listed) == 0) {
        /* Who names no connection must say who it is: pages ask like that why they were refused. */
        if (id || api_exchange_require_user(exchange))
            api_reply_json(exchange, json_pack("{s:n}", "listener"));
    } else if (json_array_size(listed) > limit_of(exchange)) {
        refuse_number(exchange);
    } else if ((fault = name_list_add_json(&names, NAME_OF_EVENT, listed))) {
        api_reply_error(exchange, 422, "\"listener\": %s", fault);
    } else {
        call_with_names(exchange, id, &names, answer_listeners);
    }
    on_connection_pass(exchange, id);
    name_list_release(&names);
    json_decref(body);
}

static void refuse_channel(struct api_exchange *exchange, const char *channel)
{
    exchange->service->channels_refused++;
    exchange->rule = "channel";
    api_reply_error(exchange, 403,
                    "this user may not have the channel \"%s\"; a pattern in the credential's "
                    "channels would allow it, or one in the service's channels.allow",
                    channel);
}

static void answer_channels(struct api_exchange *exchange, const struct broker_message *message)
{
    const struct broker_called *called = &message->called;

    if (called->refused)
        refuse_channel(exchange, called->refused);
    else if (called->is_full)
        api_reply_error(exchange, 422,
                        "a connection may have %u channels at the most "
                        "(services[].channelsPerConnection)",
                        exchange->service->settings->core->channels_per_connection);
    else if (on_connection_is_found(message))
        answer_names(exchange, "channel", &called->names);
    else
        answer_no_data(exchange);
}

/* NULL, or what is wrong. */
static const char *read_channels(struct name_list *names, const json_t *body)
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

void api_handle_change_channels(struct api_exchange *exchange)
{
    json_t *body = api_json_body_members(exchange);
    const char *id = body ? api_json_member_id(body, "connectionId") : NULL;
    struct name_list names = {0};
    const char *fault;

    if (!body)
        return;
    fault = read_channels(&names, body);
    if (fault)
        api_reply_error(exchange, 422, "\"channel\": %s", fault);
    else if (!id)
        api_reply_error(exchange, 422,
                        "\"connectionId\" is missing; it is the one that connect-finish told");
    else
        call_with_names(exchange, id, &names, answer_channels);
    on_connection_pass(exchange, id);
    name_list_release(&names);
    json_decref(body);
}

static void answer_refreshed(struct api_exchange *exchange, const struct broker_message *message)
{
    const struct broker_called *called = &message->called;
    struct buf text = BUF_INIT;

    if (!on_connection_is_found(message)) {
        answer_no_data(exchange);
        return;
    }
    buf_append_str(&text, "{\"expiresAt\":");
    if (called->expires_at > 0)
        buf_printf(&text, "%" PRId64, called->expires_at);
    else
        buf_append_str(&text, "null");
    append_names(&text, "channel", &called->names);
    append_names(&text, "removed", &called->removed);
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
                            answer_refreshed);
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

static void answer_disconnected(struct api_exchange *exchange, const struct broker_message *message)
{
    api_reply_json(exchange, json_pack("{s:i}", "count", message->called.is_heard ? 1 : 0));
}

/* A reason that cannot be told on is no reason to stay connected. */
static const char *usable_reason(const char *reason)
{
    if (!reason || reason[0] == '\0')
        return NULL;
    return sse_event_check_field(reason, strlen(reason), SSE_EVENT_MAX_NAME) == 0 ? reason : NULL;
}

void api_handle_disconnect(struct api_exchange *exchange)
{
    const char *id = api_exchange_parameter(exchange, "connectionId");

    if (!id || id[0] == '\0') {
        api_reply_json(exchange, json_pack("{s:i}", "count", 0));
        return;
    }
    on_connection_start(
        exchange, id,
        &(struct broker_call){
            .operation = BROKER_DISCONNECT,
            .reason = usable_reason(api_exchange_parameter(exchange, "reason")),
            .duration = api_lenient_seconds(api_exchange_parameter(exchange, "duration"), -1),
            .session_duration =
                api_lenient_seconds(api_exchange_parameter(exchange, "sessionDuration"), -1),
        },
        answer_disconnected);
}

#define MAX_IDS 1000u

static bool are_ids(const json_t *ids)
{
    for (size_t i = 0; i < json_array_size(ids); i++) {
        if (!json_is_string(json_array_get(ids, i)))
            return false;
    }
    return json_is_array(ids) && json_array_size(ids) <= MAX_IDS;
}

static void on_answer(struct api_exchange *exchange, const struct broker_message *answer)
{
    const struct broker_done *done = &answer->done;

    if (done->status < 0)
        api_reply_error(exchange, 503,
                        "messages cannot be acknowledged now, since %s; say it again",
                        store_fault_text(done->status));
    else
        api_reply_json(exchange, json_pack("{s:I}", "count", (json_int_t)done->count));
    json_decref(exchange->context);
}

static void ask_owner(struct api_exchange *exchange, const struct qos_identity *identity)
{
    const json_t *listed = json_object_get(exchange->context, "ids");
    const struct broker_service *service = &exchange->service->broker;
    const size_t count = json_array_size(listed);
    const char *ids[MAX_IDS];
    struct broker_message *question;

    for (size_t i = 0; i < count; i++)
        ids[i] = json_string_value(json_array_get(listed, i));
    question =
        broker_message_new(BROKER_ACKNOWLEDGE, service->index,
                           broker_identity_copy_size(identity) + broker_list_size(ids, count));
    broker_identity_copy(question, &question->acknowledge.identity, identity);
    question->acknowledge.ids = broker_message_list(question, ids, count);
    question->acknowledge.count = count;
    api_exchange_ask_owner(exchange, question, on_answer);
}

static void on_seen(struct api_exchange *exchange, const struct broker_message *answer)
{
    if (on_connection_is_found(answer)) {
        ask_owner(exchange, &answer->called.identity);
        return;
    }
    answer_data(exchange, json_pack("{s:i}", "count", 0));
    json_decref(exchange->context);
}

/* First to the connection, which says whose copies it may end, then to the owner. */
void api_handle_ack(struct api_exchange *exchange)
{
    json_t *body = api_json_body_members(exchange);
    const char *id;

    if (!body)
        return;
    id = api_json_member_id(body, "connectionId");
    if (id && are_ids(json_object_get(body, "ids"))) {
        exchange->context = body;
        on_connection_start(exchange, id, &(struct broker_call){.operation = BROKER_IDENTIFY},
                            on_seen);
        return;
    }
    if (!id)
        api_reply_error(exchange, 422,
                        "\"connectionId\" must be the text that connect-finish told");
    else
        api_reply_error(exchange, 422, "\"ids\" must be an array of at most %u strings", MAX_IDS);
    json_decref(body);
}
