/* SPDX-License-Identifier: Apache-2.0 */
/* send: one message of a back end, or an array of them. */
#include <errno.h>

#include "api/backend/delivery.h"
#include "api/exchange.h"
#include "api/handlers.h"
#include "api/json_body.h"
#include "api/json_text.h"
#include "api/qos/qos_line.h"
#include "api/qos/qos_send.h"
#include "api/qos/qos_text.h"
#include "api/qos/receipt_url.h"
#include "api/reply.h"
#include "base/json.h"
#include "sse/message.h"
#include "sse/service.h"

#define MAX_MESSAGES 1000u

static void append_result(struct buf *text, const struct delivery_item *item)
{
    buf_append_str(text, "{\"id\":");
    json_text_string(text, item->message->id);
    buf_append_str(text, ",\"count\":");
    json_text_number(text, item->count);
    if (item->message->is_stored) {
        buf_append_str(text, ",\"stored\":");
        json_text_number(text, item->stored);
    }
    if (item->is_repeat)
        buf_append_str(text, ",\"repeated\":true");
    buf_append_char(text, '}');
}

/* Nothing of the request was stored or written. */
static void refuse(const struct delivery *delivery)
{
    struct api_exchange *exchange = delivery->exchange;

    if (delivery->status == -EEXIST)
        api_reply_error(exchange, 409,
                        "message %zu (counted from 0): its \"id\" was given to another message "
                        "before; none was sent",
                        delivery->at);
    else if (delivery->status == -EDQUOT)
        api_reply_error(exchange, 503,
                        "%s: messages with \"qos\" 1 are not taken until some have been "
                        "acknowledged or have expired; none was sent",
                        qos_text_fault(delivery->status));
    else if (delivery->status == -EBUSY)
        api_reply_error(exchange, 503,
                        "messages with \"qos\" 1 come faster than they can be stored: %s; wait for "
                        "answers before more are sent; none was sent",
                        qos_text_fault(delivery->status));
    else
        api_reply_error(exchange, 503,
                        "messages with \"qos\" 1 cannot be stored now, since %s; none was sent",
                        qos_text_fault(delivery->status));
}

static void answer(struct delivery *delivery)
{
    const bool is_array = json_is_array(delivery->source);
    struct buf text = BUF_INIT;

    if (delivery->status < 0) {
        refuse(delivery);
        return;
    }
    api_reply_begin(delivery->exchange, &text);
    if (is_array)
        buf_append_char(&text, '[');
    for (size_t i = 0; i < delivery->count; i++) {
        if (i > 0)
            buf_append_char(&text, ',');
        append_result(&text, &delivery->items[i]);
    }
    if (is_array)
        buf_append_char(&text, ']');
    api_reply_end(delivery->exchange, &text);
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

/* All are read before any is sent. */
static bool read_messages(struct delivery *delivery)
{
    struct api_exchange *exchange = delivery->exchange;
    const struct sse_service_settings *settings = exchange->service->settings->core;
    const struct sse_message_bounds bounds = {settings->event_data_bytes, settings->line_bytes};
    const bool is_array = json_is_array(delivery->source);
    char fault[400];

    for (size_t i = 0; i < delivery->count; i++) {
        const json_t *object = is_array ? json_array_get(delivery->source, i) : delivery->source;
        int rc = sse_message_from_json(&delivery->items[i].message, object, &bounds, fault,
                                       sizeof(fault));
        const int status = rc == -EMSGSIZE ? 413 : rc == -ENOMEM ? 503 : 422;

        if (rc == 0 &&
            (is_too_long(exchange, delivery->items[i].message, fault, sizeof(fault)) ||
             has_bad_receipt(exchange, delivery->items[i].message, fault, sizeof(fault))))
            rc = -EINVAL;
        if (rc == 0)
            continue;
        if (is_array)
            api_reply_error(exchange, status, "message %zu (counted from 0): %s; none was sent", i,
                            fault);
        else
            api_reply_error(exchange, status, "%s", fault);
        return false;
    }
    return true;
}

static bool has_stored(const struct delivery *delivery)
{
    for (size_t i = 0; i < delivery->count; i++) {
        if (delivery->items[i].message->is_stored)
            return true;
    }
    return false;
}

static void send_body(struct api_exchange *exchange, json_t *body)
{
    bool is_array = json_is_array(body);
    size_t count = is_array ? json_array_size(body) : 1;
    struct delivery *delivery;

    if (!is_array && !json_is_object(body)) {
        api_reply_error(exchange, 422,
                        "the body must be a message (a JSON object) or an array of "
                        "messages");
        return;
    }
    if (count > MAX_MESSAGES) {
        api_reply_error(exchange, 422, "the array has %zu messages; at most %u are taken at once",
                        count, MAX_MESSAGES);
        return;
    }
    if (limits_refuse_sends(exchange, count))
        return;
    delivery = delivery_new(exchange->service, exchange, count);
    delivery->source = json_incref(body);
    delivery->done = answer;
    if (!read_messages(delivery)) {
        delivery_free(delivery);
        return;
    }
    if (has_stored(delivery))
        qos_send_begin(delivery);
    else
        qos_line_follow(delivery);
    /* A back end that sends faster than events leave is to feel it. */
    exchange->is_patient = true;
    delivery_start(delivery);
}

void api_handle_send(struct api_exchange *exchange)
{
    json_t *body = api_json_body(exchange, &sse_message_json);

    if (!body)
        return;
    send_body(exchange, body);
    json_decref(body);
}
