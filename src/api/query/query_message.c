/* SPDX-License-Identifier: Apache-2.0 */
/* messages/{id}: what has become of one message. */
#include "api/query/query_message.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "api/exchange.h"
#include "api/handlers.h"
#include "api/json_text.h"
#include "api/qos/qos_refusal.h"
#include "api/qos/qos_text.h"
#include "api/reply.h"
#include "base/mem.h"
#include "broker/choice.h"
#include "sse/service.h"

struct inquiry {
    struct broker_request request;
    struct api_exchange *exchange; /* a reference */
};

static void append_copy(struct buf *text, const struct qos_copy *copy, bool is_token_whole)
{
    buf_append_char(text, '{');
    qos_text_recipient(text, &copy->recipient, is_token_whole);
    buf_printf(text, ",\"listening\":%s,\"state\":\"%s\",\"written\":%" PRIu32,
               copy->recipient.listening[0] != '\0' ? "true" : "false",
               qos_state_words[copy->state], copy->written);
    qos_text_cause(text, copy);
    qos_text_end(text, copy);
    buf_append_char(text, '}');
}

static void append_message(struct buf *text, const struct qos_message *message)
{
    struct qos_text read = {.number = 0};

    buf_append_str(text, "{\"id\":");
    json_text_string(text, message->id);
    buf_append_str(text, ",\"event\":");
    qos_text_member(&read, text, message, "event");
    buf_printf(text, ",\"createTime\":%" PRId64 ",\"expireTime\":%" PRId64 ",\"copies\":[",
               message->created, message->expires);
    qos_text_release(&read);
}

static void show(struct api_exchange *exchange, const struct qos_copies *copies)
{
    const bool is_token_whole = exchange->service->settings->core->show_secrets;
    struct buf text = BUF_INIT;

    append_message(&text, copies->items[0].message);
    for (size_t i = 0; i < copies->count; i++) {
        if (i > 0)
            buf_append_char(&text, ',');
        append_copy(&text, &copies->items[i], is_token_whole);
    }
    buf_append_str(&text, "]}");
    api_reply_data(exchange, &text);
}

static void on_answer(struct broker_request *request, const struct broker_message *answer)
{
    struct inquiry *inquiry = container_of(request, struct inquiry, request);
    const struct broker_found *found = &answer->found;

    if (found->copies.count > 0)
        show(inquiry->exchange, &found->copies);
    else
        qos_refuse(inquiry->exchange, found->status == 0 ? -ENOENT : found->status);
    api_exchange_unref(inquiry->exchange);
    free(inquiry);
}

void query_message_start(struct api_exchange *exchange, const char *id)
{
    const struct broker_service *service = &exchange->service->broker;
    const struct qos_filter filter = {.tenants = exchange->tenants};
    struct inquiry *inquiry = mem_zalloc(sizeof(*inquiry));

    inquiry->exchange = api_exchange_ref(exchange);
    inquiry->request.on_answer = on_answer;
    broker_ask_owner(service, broker_choice_new(BROKER_FIND_MESSAGE, service->index, id, &filter),
                     &inquiry->request);
}

void api_handle_message_state(struct api_exchange *exchange)
{
    query_message_start(exchange, exchange->variable);
}
