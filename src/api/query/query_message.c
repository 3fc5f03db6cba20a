/* SPDX-License-Identifier: Apache-2.0 */
/* messages/{id}: what has become of one message. */
#include "api/query/query_message.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "api/exchange.h"
#include "api/handlers.h"
#include "api/json_text.h"
#include "api/qos/qos_errand.h"
#include "api/qos/qos_hub.h"
#include "api/qos/qos_text.h"
#include "api/reply.h"
#include "base/mem.h"
#include "qos/look.h"
#include "sse/service.h"

struct inquiry {
    struct qos_errand errand;
    struct qos_inspect inspect;
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

static void answer(struct qos_errand *errand)
{
    struct inquiry *inquiry = container_of(errand, struct inquiry, errand);
    const struct qos_inspect *inspect = &inquiry->inspect;

    if (inspect->copies.count > 0)
        show(errand->exchange, &inspect->copies);
    else
        qos_errand_refuse(errand, inspect->job.status == 0 ? -ENOENT : inspect->job.status);
    qos_inspect_release(&inquiry->inspect);
    api_exchange_unref(errand->exchange);
    free(inquiry);
}

static void on_inspected(struct qos_job *job)
{
    struct inquiry *inquiry = container_of(job, struct inquiry, inspect.job);

    qos_hub_count_written(inquiry->errand.hub, &inquiry->inspect.copies);
    qos_errand_end(&inquiry->errand);
}

static void begin(struct qos_errand *errand)
{
    qos_store_submit(errand->hub->store,
                     &container_of(errand, struct inquiry, errand)->inspect.job);
}

void query_message_start(struct api_exchange *exchange, const char *id)
{
    struct inquiry *inquiry = mem_zalloc(sizeof(*inquiry));

    qos_inspect_init(&inquiry->inspect);
    inquiry->inspect.id = id;
    inquiry->inspect.tenants = exchange->tenants;
    inquiry->inspect.job.done = on_inspected;
    inquiry->inspect.job.is_asked = true;
    inquiry->errand.begin = begin;
    inquiry->errand.answer = answer;
    qos_errand_start(&inquiry->errand, exchange);
}

void api_handle_message_state(struct api_exchange *exchange)
{
    query_message_start(exchange, exchange->variable);
}
