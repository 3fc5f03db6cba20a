/* SPDX-License-Identifier: Apache-2.0 */
/* send: one message of a back end, or an array of them. */
#include <errno.h>

#include "api/backend/delivery.h"
#include "api/backend/messages.h"
#include "api/body_reading.h"
#include "api/exchange.h"
#include "api/handlers.h"
#include "api/json_body.h"
#include "api/json_text.h"
#include "api/qos/qos_text.h"
#include "api/qos/receipt_url.h"
#include "api/reply.h"
#include "api/tenancy.h"
#include "sse/message.h"
#include "sse/service.h"

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

/* Nothing of the request was stored or written. */
static void refuse(struct api_exchange *exchange, int status, size_t at)
{
    if (status == -EEXIST)
        api_reply_error(exchange, 409,
                        "message %zu (counted from 0): its \"id\" was given to another message "
                        "before; none was sent",
                        at);
    else if (status == -EDQUOT)
        api_reply_error(exchange, 503,
                        "%s: messages with \"qos\" 1 are not taken until some have been "
                        "acknowledged or have expired; none was sent",
                        qos_text_fault(status));
    else if (status == -EBUSY)
        api_reply_error(exchange, 503,
                        "messages with \"qos\" 1 come faster than they can be stored: %s; wait for "
                        "answers before more are sent; none was sent",
                        qos_text_fault(status));
    else
        api_reply_error(exchange, 503,
                        "messages with \"qos\" 1 cannot be stored now, since %s; none was sent",
                        qos_text_fault(status));
}

static void answer(struct delivery *delivery, const struct broker_results *published)
{
    const bool is_array = delivery->is_array;
    struct buf text = BUF_INIT;

    if (published->status < 0) {
        refuse(delivery->exchange, published->status, published->at);
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
    struct delivery *delivery = delivery_new(exchange->service, exchange, messages->count);

    for (size_t i = 0; i < messages->count; i++) {
        delivery->batch->items[i].message = messages->items[i].message;
        delivery->batch->items[i].stored_as = messages->items[i].text;
    }
    messages->read = 0;
    delivery->is_array = messages->is_array;
    delivery->has_names = true;
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
    if (limits_refuse_sends(exchange, messages->count) || !are_fine(exchange, messages))
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
