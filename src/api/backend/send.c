/* SPDX-License-Identifier: Apache-2.0 */
#include "api/backend/send.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/exchange.h"
#include "api/guard.h"
#include "api/input.h"
#include "api/limit.h"
#include "api/reply.h"
#include "api/routes.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/json_view.h"
#include "base/mem.h"
#include "broker/stored/stored.h"
#include "sse/message.h"
#include "sse/service.h"

struct delivery *delivery_new(struct api_exchange *exchange, size_t count)
{
    struct delivery *delivery = mem_zalloc(sizeof(*delivery));

    delivery->exchange = api_exchange_ref(exchange);
    delivery->batch = broker_batch_new(count);
    delivery->batch->began_ns = exchange->began_ns;
    return delivery;
}

void delivery_free(struct delivery *delivery)
{
    broker_batch_unref(delivery->batch);
    api_exchange_unref(delivery->exchange);
    free(delivery);
}

void target_name_tokens(const struct sse_target *target, void (*name_token)(char *token))
{
    for (size_t i = 0; name_token && target->dimension == SSE_BY_TOKEN && i < target->count; i++)
        name_token(target->values[i]);
}

/* Its data is forgotten, unless there is no memory for the text: then that has no JSON. */
static void write_text(struct broker_stored_text *text, struct sse_message *message)
{
    sse_target_unite(&message->target);
    text->json = sse_message_to_json(message, &text->length, &text->digest);
    if (text->json)
        sse_message_forget_data(message);
}

static void finish(struct delivery *delivery, const struct broker_results *published)
{
    delivery->done(delivery, published);
    delivery_free(delivery);
}

static void on_published(struct broker_publishing *publishing,
                         const struct broker_results *published)
{
    finish(container_of(publishing, struct delivery, publishing), published);
}

/* When its text is made: what the same message is stored as does not depend on who asks. */
static void add_traceparent(struct sse_message *message, const struct api_exchange *exchange)
{
    const char *traceparent = NULL;
    struct buf receipt = BUF_INIT;

    if (sse_message_receipt_is_url(message))
        traceparent = request_traceparent(exchange->request);
    else if (*message->receipt != '\0')
        traceparent = api_exchange_notified_traceparent(exchange);
    if (!traceparent)
        return;
    buf_printf(&receipt, "%s %s", message->receipt, traceparent);
    free(message->receipt);
    message->receipt = mem_strdup(buf_str(&receipt));
    buf_release(&receipt);
}

/* Here, since the JSON trees are this thread's. False: there is no memory for a text. */
static bool prepare(struct delivery *delivery, bool *is_stored)
{
    struct broker_batch *batch = delivery->batch;
    bool is_fine = true;

    for (size_t i = 0; i < batch->count; i++) {
        struct broker_item *item = &batch->items[i];

        if (!item->message || !item->message->is_stored)
            continue;
        *is_stored = item->wants_reached = true;
        if (!item->stored_as.json)
            write_text(&item->stored_as, item->message);
        is_fine = is_fine && item->stored_as.json;
        add_traceparent(item->message, delivery->exchange);
    }
    return is_fine;
}

void delivery_start(struct delivery *delivery)
{
    bool is_stored = false;

    if (!prepare(delivery, &is_stored)) {
        finish(delivery, &(struct broker_results){.status = -ENOMEM});
        return;
    }
    memcpy(delivery->batch->by, delivery->exchange->sender, sizeof(delivery->batch->by));
    delivery->publishing.done = on_published;
    broker_publish(&delivery->exchange->service->broker, &delivery->publishing, delivery->batch,
                   delivery->exchange->session_number, is_stored);
}

/* ---- the body ---- */

#define MESSAGES_MOST 1000u

struct messages_item {
    struct sse_message *message;    /* a reference */
    struct broker_stored_text text; /* of one that is stored */
};

/* The "made" of a reading. */
struct messages {
    bool is_array, is_other; /* neither an array nor an object */
    size_t count;            /* in the body: above MESSAGES_MOST none was read */
    size_t read;             /* the first so many are items */
    int status; /* 0; or why the next one was not read: as sse_message_from_json(), with a sentence.
                 * -EACCES: the last one is not for the tenants. */
    char fault[400];
    struct messages_item items[];
};

static struct messages *messages_new(size_t count, bool is_array)
{
    const size_t taken = count <= MESSAGES_MOST ? count : 0;
    struct messages *messages = mem_zalloc(sizeof(*messages) + taken * sizeof(messages->items[0]));

    messages->is_array = is_array;
    messages->count = count;
    return messages;
}

/* The status is that of the item that is next. */
static void take_message(struct messages *messages, const struct body_rules *rules)
{
    struct messages_item *item = &messages->items[messages->read];

    if (messages->status < 0)
        return;
    messages->read++;
    if (rules->tenants && !tenancy_covers(rules->tenants, &item->message->target)) {
        messages->status = -EACCES;
        return;
    }
    target_name_tokens(&item->message->target, rules->name_token);
    if (item->message->is_stored)
        write_text(&item->text, item->message);
}

/* ---- of texts that are written plainly, which most are ---- */

static void read_views(struct messages *messages, const struct body_rules *rules,
                       const struct json_view *views)
{
    messages->status =
        sse_message_from_views(&messages->items[messages->read].message, views, &rules->bounds,
                               messages->fault, sizeof(messages->fault));
    take_message(messages, rules);
}

/* All of the text is looked at before any of it is read: the views are of the last message. */
static size_t count_plain(struct json_view_text text, bool is_array, struct json_view *views)
{
    size_t count = 0;

    do {
        if (!sse_message_view_text(&text, views) || ++count > MESSAGES_MOST)
            return 0;
    } while (is_array && json_view_take(&text, ','));
    return (!is_array || json_view_take(&text, ']')) && json_view_is_over(&text) ? count : 0;
}

/* NULL: a tree has to say what it is. */
static struct messages *read_plain(const struct body_reading *reading)
{
    struct json_view views[SSE_MESSAGE_FIELDS];
    struct json_view_text text = {.text = reading->text, .length = reading->length};
    const bool is_array = json_view_take(&text, '[');
    const size_t count = count_plain(text, is_array, views);
    struct messages *messages;

    if (count == 0)
        return NULL;
    messages = messages_new(count, is_array);
    for (size_t i = 0; i < count && messages->status == 0; i++) {
        if (is_array) {
            (void)sse_message_view_text(&text, views);
            (void)json_view_take(&text, ',');
        }
        read_views(messages, &reading->rules, views);
    }
    return messages;
}

/* ---- of a tree ---- */

static void read_object(struct messages *messages, const struct body_rules *rules,
                        const json_t *object)
{
    messages->status =
        sse_message_from_json(&messages->items[messages->read].message, object, &rules->bounds,
                              messages->fault, sizeof(messages->fault));
    take_message(messages, rules);
}

static struct messages *read_tree(struct body_reading *reading)
{
    json_t *body =
        json_parse_by(&sse_message_json, reading->text, reading->length, &reading->fault);
    struct messages *messages;

    if (!body)
        return NULL;
    json_drop_nulls(body);
    messages = messages_new(json_is_array(body) ? json_array_size(body) : 1, json_is_array(body));
    messages->is_other = !messages->is_array && !json_is_object(body);
    if (!messages->is_other && messages->count <= MESSAGES_MOST) {
        for (size_t i = 0; i < messages->count && messages->status == 0; i++)
            read_object(messages, &reading->rules,
                        messages->is_array ? json_array_get(body, i) : body);
    }
    json_decref(body);
    return messages;
}

static void read_body(struct body_reading *reading)
{
    if (reading->length > 0)
        reading->made = read_plain(reading);
    if (reading->length > 0 && !reading->made)
        reading->made = read_tree(reading);
}

static void release(struct body_reading *reading)
{
    struct messages *messages = reading->made;

    for (size_t i = 0; messages && i < messages->read; i++) {
        sse_message_unref(messages->items[i].message);
        free(messages->items[i].text.json);
    }
    free(messages);
}

const struct body_kind messages_kind = {read_body, release};

/* ---- the answer ---- */

static void append_result(struct buf *text, const struct sse_message *message,
                          const struct broker_result *result)
{
    buf_append_str(text, "{\"id\":");
    json_text_string(text, message->id);
    buf_append_str(text, ",\"count\":");
    json_text_number(text, result->count);
    if (message->is_stored) {
        buf_append_str(text, ",\"stored\":");
        json_text_number(text, result->stored);
    }
    if (result->is_repeat)
        buf_append_str(text, ",\"repeated\":true");
    buf_append_char(text, '}');
}

static bool is_stored(const struct delivery *delivery)
{
    const struct broker_batch *batch = delivery->batch;

    for (size_t i = 0; i < batch->count; i++) {
        if (batch->items[i].message && batch->items[i].message->is_stored)
            return true;
    }
    return false;
}

/* Nothing of the request was stored or written. */
static void refuse(const struct delivery *delivery, int status, size_t at)
{
    struct api_exchange *exchange = delivery->exchange;

    if (status == -ENOBUFS)
        api_reply_error(exchange, 503,
                        "a worker is further behind than services[].log.lag, and as much waits "
                        "already; wait for answers before more are sent; none was sent");
    else if (status == -EEXIST)
        api_reply_error(exchange, 409,
                        "message %zu (counted from 0): its \"id\" was given to another message "
                        "before; none was sent",
                        at);
    else if (status == -EDQUOT)
        api_reply_error(exchange, 503,
                        "%s: messages with \"qos\" 1 are not taken until some have been "
                        "acknowledged or have expired; none was sent",
                        store_fault_text(status));
    else if (status == -EBUSY)
        api_reply_error(exchange, 503,
                        "messages with \"qos\" 1 come faster than they can be stored: %s; wait for "
                        "answers before more are sent; none was sent",
                        store_fault_text(status));
    else if (!is_stored(delivery))
        order_refuse(exchange, "none was sent");
    else
        api_reply_error(exchange, 503,
                        "messages with \"qos\" 1 cannot be stored now, since %s; none was sent",
                        store_fault_text(status));
}

/* The same in a word, for the trace. */
static const char *why_refused(const struct delivery *delivery, int status)
{
    switch (status) {
    case -ENOBUFS:
        return "lag";
    case -EEXIST:
        return "id-in-use";
    case -EDQUOT:
        return "store-full";
    case -EBUSY:
        return "store-busy";
    default:
        return is_stored(delivery) ? "store-failed" : "not-ordered";
    }
}

static void answer(struct delivery *delivery, const struct broker_results *published)
{
    const bool is_array = delivery->is_array;
    struct buf text = BUF_INIT;

    if (published->status < 0) {
        tracing_send_refused(&delivery->exchange->service->broker.tracing, delivery->batch,
                             why_refused(delivery, published->status));
        refuse(delivery, published->status, published->at);
        return;
    }
    if (is_array)
        buf_append_char(&text, '[');
    for (size_t i = 0; i < published->count; i++) {
        if (i > 0)
            buf_append_char(&text, ',');
        append_result(&text, delivery->batch->items[i].message, &published->items[i]);
    }
    if (is_array)
        buf_append_char(&text, ']');
    api_reply_data(delivery->exchange, &text);
}

static void refuse_message(struct api_exchange *exchange, const struct messages *messages, size_t i,
                           int why, const char *fault)
{
    const int status = why == -EMSGSIZE ? 413 : why == -ENOMEM ? 503 : 422;

    if (messages->is_array)
        api_reply_error(exchange, status, "message %zu (counted from 0): %s; none was sent", i,
                        fault);
    else
        api_reply_error(exchange, status, "%s", fault);
}

static bool is_too_long(const struct api_exchange *exchange, const struct sse_message *message,
                        char *fault, size_t fault_size)
{
    const uint32_t most = exchange->service->settings->qos.ttl_ms_most / 1000;

    if (!message->is_stored || message->ttl_s <= most)
        return false;
    snprintf(fault, fault_size, "\"ttl\" may be %u seconds at the most", most);
    return true;
}

static bool has_bad_receipt(const struct api_exchange *exchange, const struct sse_message *message,
                            char *fault, size_t fault_size)
{
    return sse_message_receipt_is_url(message) &&
           !receipt_url_is_allowed(&exchange->service->settings->qos, message->receipt, fault,
                                   fault_size);
}

/* What the service's settings say of the message at i. False: it has answered. */
static bool is_fine(struct api_exchange *exchange, const struct messages *messages, size_t i)
{
    const struct sse_message *message = messages->items[i].message;
    char fault[400];

    if (!is_too_long(exchange, message, fault, sizeof(fault)) &&
        !has_bad_receipt(exchange, message, fault, sizeof(fault)))
        return true;
    refuse_message(exchange, messages, i, -EINVAL, fault);
    return false;
}

/* All are checked before any is sent. */
static bool are_fine(struct api_exchange *exchange, const struct messages *messages)
{
    for (size_t i = 0; i < messages->read; i++) {
        if (!is_fine(exchange, messages, i))
            return false;
    }
    if (messages->status == -EACCES)
        tenancy_refuse_target(exchange);
    else if (messages->status < 0)
        refuse_message(exchange, messages, messages->read, messages->status, messages->fault);
    return messages->status == 0;
}

/* Those of the messages go with it. */
static struct delivery *make_delivery(struct api_exchange *exchange, struct messages *messages)
{
    struct delivery *delivery = delivery_new(exchange, messages->count);

    for (size_t i = 0; i < messages->count; i++) {
        delivery->batch->items[i].message = messages->items[i].message;
        delivery->batch->items[i].stored_as = messages->items[i].text;
    }
    messages->read = 0;
    delivery->is_array = messages->is_array;
    delivery->done = answer;
    return delivery;
}

static void send_messages(struct api_exchange *exchange, struct messages *messages)
{
    struct delivery *delivery;

    if (messages->is_other) {
        api_reply_error(exchange, 422,
                        "the body must be a message (a JSON object) or an array of "
                        "messages");
        return;
    }
    if (messages->count > MESSAGES_MOST) {
        api_reply_error(exchange, 422, "the array has %zu messages; at most %u are taken at once",
                        messages->count, MESSAGES_MOST);
        return;
    }
    if (!limits_take_sends(&exchange->service->broker.limits, messages->count)) {
        limit_refuse(exchange, LIMIT_SENDS);
        return;
    }
    if (!are_fine(exchange, messages))
        return;
    delivery = make_delivery(exchange, messages);
    /* A back end that sends faster than events leave is to feel it. */
    exchange->is_patient = true;
    delivery_start(delivery);
}

void api_handle_send(struct api_exchange *exchange)
{
    struct body_reading here;
    struct body_reading *reading = body_reading_get(exchange, &here);

    if (reading->made)
        send_messages(exchange, reading->made);
    else
        api_json_body_refuse(exchange, reading);
    body_reading_end(reading, &here);
}
