/* SPDX-License-Identifier: Apache-2.0 */
#include "api/backend/delivery.h"

#include <errno.h>
#include <stdlib.h>

#include "api/backend/messages.h"
#include "api/exchange.h"
#include "auth/auth.h"
#include "base/mem.h"
#include "sse/message.h"

struct delivery *delivery_new(struct api_service *service, struct api_exchange *exchange,
                              size_t count)
{
    struct delivery *delivery = mem_zalloc(sizeof(*delivery));

    delivery->service = service;
    delivery->exchange = api_exchange_ref(exchange);
    delivery->batch = broker_batch_new(count);
    return delivery;
}

void delivery_free(struct delivery *delivery)
{
    broker_batch_unref(delivery->batch);
    api_exchange_unref(delivery->exchange);
    free(delivery);
}

static void finish(struct delivery *delivery, const struct broker_results *published)
{
    delivery->done(delivery, published);
    delivery_free(delivery);
}

static void on_published(struct broker_request *request, const struct broker_message *answer)
{
    finish(container_of(request, struct delivery, request), &answer->results);
}

/* Back ends know a token as it was shown; the registry, by the name that its user has. */
static void name_tokens(struct delivery *delivery)
{
    const struct auth_ops *ops = delivery->service->auth->ops;

    for (size_t i = 0; ops->name_token && i < delivery->batch->count; i++) {
        const struct sse_target *target = broker_item_target(&delivery->batch->items[i]);

        for (size_t j = 0; target->dimension == SSE_BY_TOKEN && j < target->count; j++)
            ops->name_token(target->values[j]);
    }
}

/* Here, since the JSON trees are this thread's. False: there is no memory for a text. */
static bool write_stored(struct broker_item *item)
{
    item->wants_reached = true;
    if (!item->stored_as.json)
        message_text_write(&item->stored_as, item->message);
    return item->stored_as.json != NULL;
}

/* False as above. */
static bool prepare(struct broker_batch *batch, bool *is_stored)
{
    bool is_fine = true;

    for (size_t i = 0; i < batch->count; i++) {
        if (!batch->items[i].message || !batch->items[i].message->is_stored)
            continue;
        *is_stored = true;
        is_fine = write_stored(&batch->items[i]) && is_fine;
    }
    return is_fine;
}

static void publish(struct delivery *delivery, bool is_stored)
{
    const struct broker_service *broker = &delivery->service->broker;
    struct broker_message *message = broker_message_new(BROKER_PUBLISH, broker->index, 0);

    message->publish.batch = broker_batch_ref(delivery->batch);
    message->publish.session = delivery->exchange->session_number;
    message->publish.is_stored = is_stored;
    delivery->request.on_answer = on_published;
    broker_ask_owner(broker, message, &delivery->request);
}

void delivery_start(struct delivery *delivery)
{
    bool is_stored = false;

    if (!delivery->has_names)
        name_tokens(delivery);
    if (prepare(delivery->batch, &is_stored))
        publish(delivery, is_stored);
    else
        finish(delivery, &(struct broker_results){.status = -ENOMEM});
}
