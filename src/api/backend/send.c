/* SPDX-License-Identifier: Apache-2.0 */
/* send: one message of a back end, or an array of them. */
#include <errno.h>
#include <stdlib.h>

#include "api/backend/delivery.h"
#include "api/exchange.h"
#include "api/handlers.h"
#include "api/json_body.h"
#include "api/json_text.h"
#include "api/reply.h"
#include "base/mem.h"
#include "sse/message.h"
#include "sse/service.h"

#define MAX_MESSAGES 1000u

/* The messages, beside the items that are made of them. */
struct batch {
    bool is_array;
    size_t count;
    struct sse_message messages[];
};

static void batch_free(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        sse_message_release(&batch->messages[i]);
    free(batch);
}

static void append_result(struct buf *text, const char *id, size_t count)
{
    buf_append_str(text, "{\"id\":");
    json_text_string(text, id);
    buf_append_str(text, ",\"count\":");
    json_text_number(text, count);
    buf_append_char(text, '}');
}

static void answer(struct delivery *delivery)
{
    struct batch *batch = delivery->context;
    struct buf text = BUF_INIT;

    api_reply_begin(delivery->exchange, &text);
    if (batch->is_array)
        buf_append_char(&text, '[');
    for (size_t i = 0; i < delivery->count; i++) {
        if (i > 0)
            buf_append_char(&text, ',');
        append_result(&text, batch->messages[i].id, delivery->items[i].count);
    }
    if (batch->is_array)
        buf_append_char(&text, ']');
    api_reply_end(delivery->exchange, &text);
    batch_free(batch);
}

/* The batch and its messages live until the answer; the items lend from them. */
static void deliver(struct api_exchange *exchange, struct batch *batch)
{
    struct delivery *delivery = delivery_new(exchange, batch->count);

    for (size_t i = 0; i < batch->count; i++) {
        struct delivery_item *item = &delivery->items[i];

        item->target = batch->messages[i].target;
        batch->messages[i].target = (struct sse_target){.dimension = SSE_DIMENSIONS};
        item->event = batch->messages[i].event;
        item->wire = batch->messages[i].wire;
    }
    delivery->context = batch;
    delivery->done = answer;
    /* A back end that sends faster than events leave is to feel it. */
    exchange->is_patient = true;
    delivery_start(delivery);
}

/* All are read before any is sent. */
static bool read_messages(struct api_exchange *exchange, const json_t *body, size_t count,
                          struct batch *batch)
{
    size_t most = exchange->service->settings->core->event_data_bytes;
    char fault[400];

    for (size_t i = 0; i < count; i++) {
        const json_t *object = batch->is_array ? json_array_get(body, i) : body;
        int rc = sse_message_from_json(&batch->messages[i], object, most, fault, sizeof(fault));

        if (rc < 0) {
            int status = rc == -EMSGSIZE ? 413 : 422;

            if (batch->is_array)
                api_reply_error(exchange, status, "message %zu (counted from 0): %s; none was sent",
                                i, fault);
            else
                api_reply_error(exchange, status, "%s", fault);
            return false;
        }
        batch->count++;
    }
    return true;
}

static void send_body(struct api_exchange *exchange, const json_t *body)
{
    bool is_array = json_is_array(body);
    size_t count = is_array ? json_array_size(body) : 1;
    struct batch *batch;

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
    batch = mem_zalloc(sizeof(*batch) + count * sizeof(batch->messages[0]));
    batch->is_array = is_array;
    if (read_messages(exchange, body, count, batch))
        deliver(exchange, batch);
    else
        batch_free(batch);
}

void api_handle_send(struct api_exchange *exchange)
{
    json_t *body = api_json_body(exchange);

    if (!body)
        return;
    send_body(exchange, body);
    json_decref(body);
}
