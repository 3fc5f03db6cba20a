/* SPDX-License-Identifier: Apache-2.0 */
#include "api/query/details.h"

#include <stdlib.h>

#include "api/exchange.h"
#include "api/reply.h"
#include "base/mem.h"
#include "broker/broker.h"

struct details {
    struct broker_request request;
    struct api_exchange *exchange;
    struct details_page page;
    char **texts; /* of the names; NULL: nobody has shown it, so far */
};

/* Any shard may have connections of a user. */
static bool may_have(const struct details *details, size_t worker, size_t index)
{
    const struct broker *broker = details->exchange->api->broker;

    return details->page.is_of_users ||
           broker_shard_of(broker, details->page.names[index]) == worker;
}

static void details_free(struct details *details)
{
    for (size_t i = 0; i < details->page.count; i++) {
        free(details->page.names[i]);
        free(details->texts[i]);
    }
    free(details->page.names);
    free(details->texts);
    api_exchange_unref(details->exchange);
    free(details);
}

static void reply(struct details *details)
{
    struct buf text = BUF_INIT;
    bool is_first = true;

    paging_open(&text, &details->page.paging, details->page.total);
    for (size_t i = 0; i < details->page.count; i++) {
        if (!details->texts[i])
            continue;
        if (!is_first)
            buf_append_char(&text, ',');
        buf_append_str(&text, details->texts[i]);
        is_first = false;
    }
    paging_close(&text, false);
    api_reply_data(details->exchange, &text);
    details_free(details);
}

/* More than one shard may have a user; one of them is enough. */
static void on_shown(struct broker_request *request, const struct broker_message *answer)
{
    struct details *details = container_of(request, struct details, request);
    char **shown = answer->shown.texts;

    for (size_t i = 0; i < details->page.count; i++) {
        if (!may_have(details, answer->from, i))
            continue;
        if (!details->texts[i]) {
            details->texts[i] = *shown;
            *shown = NULL;
        }
        shown++;
    }
    if (request->open == 0)
        reply(details);
}

static struct broker_message *make(void *context, size_t worker)
{
    const struct details *details = context;
    const size_t names = details->page.count * sizeof(char *);
    size_t room = broker_block_size(names);
    struct broker_message *message;
    struct broker_show *show;

    for (size_t i = 0; i < details->page.count; i++)
        room += broker_text_size(details->page.names[i]);
    message = broker_message_new(BROKER_SHOW, details->exchange->service->index, room);
    show = &message->show;
    show->is_of_users = details->page.is_of_users;
    show->form = details->page.form;
    show->names = broker_message_block(message, names);
    for (size_t i = 0; i < details->page.count; i++) {
        if (may_have(details, worker, i))
            show->names[show->count++] = broker_message_text(message, details->page.names[i]);
    }
    if (show->count > 0)
        return message;
    broker_message_free(message);
    return NULL;
}

void details_start(struct api_exchange *exchange, const struct details_page *page)
{
    struct details *details = mem_zalloc(sizeof(*details));

    details->exchange = api_exchange_ref(exchange);
    details->page = *page;
    details->texts = mem_zalloc((page->count + 1) * sizeof(*details->texts));
    details->request.on_answer = on_shown;
    if (page->count > 0)
        broker_ask_all(exchange->api->broker, make, details, &details->request);
    else
        reply(details);
}
