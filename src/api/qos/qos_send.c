/* SPDX-License-Identifier: Apache-2.0 */
#include "api/qos/qos_send.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/backend/delivery.h"
#include "api/qos/qos_hub.h"
#include "api/worker.h"
#include "base/mem.h"
#include "qos/copies.h"
#include "qos/put.h"
#include "qos/recipient.h"
#include "sse/history.h"
#include "sse/message.h"
#include "sse/service.h"

/* Beside the delivery, from its origin to the hub and back. */
struct storing {
    struct qos_put put;
    struct delivery *delivery;
    struct api_service *service; /* the hub's */
    size_t *item_of;             /* of the delivery, for each of the put */
    size_t bytes;                /* of their JSON */
    struct qos_put_item items[];
};

static int64_t lifetime_ms(const struct delivery *delivery, const struct sse_message *message)
{
    if (message->ttl_s < 0)
        return delivery->service->settings->qos.ttl_ms;
    return message->ttl_s * 1000;
}

/* False: there is no memory to write it. */
static bool prepare_item(const struct delivery *delivery, struct qos_put_item *item,
                         struct sse_message *message)
{
    const int64_t now = loop_wall_ms(delivery->service->api->loop);

    item->message.id = message->id;
    item->message.json = sse_message_to_json(message, &item->message.length, &item->message.digest);
    sse_message_forget_data(message);
    item->message.created = now;
    item->message.expires = now + lifetime_ms(delivery, message);
    item->message.receipt = message->receipt;
    item->target = &message->target;
    item->is_id_fresh = message->is_id_fresh;
    return item->message.json != NULL;
}

static bool is_stored(const struct delivery_item *item)
{
    return item->message && item->message->is_stored;
}

static void storing_free(struct storing *storing)
{
    for (size_t i = 0; i < storing->put.count; i++)
        free((char *)(uintptr_t)storing->items[i].message.json);
    qos_put_release(&storing->put);
    free(storing->item_of);
    free(storing);
}

/* At the origin: the JSON trees are its thread's. */
static void prepare(struct delivery *delivery)
{
    struct storing *storing =
        mem_zalloc(sizeof(*storing) + delivery->count * sizeof(storing->items[0]));

    storing->delivery = delivery;
    storing->item_of = mem_alloc(delivery->count * sizeof(size_t));
    storing->put.items = storing->items;
    for (size_t i = 0; i < delivery->count; i++) {
        if (!is_stored(&delivery->items[i]))
            continue;
        storing->item_of[storing->put.count] = i;
        sse_target_unite(&delivery->items[i].message->target);
        if (!prepare_item(delivery, &storing->items[storing->put.count],
                          delivery->items[i].message))
            delivery->status = -ENOMEM;
        storing->bytes += storing->items[storing->put.count++].message.length;
        delivery->items[i].wants_reached = true;
    }
    qos_put_init(&storing->put);
    delivery->context = storing;
    if (delivery->status < 0)
        storing_free(storing);
}

/* Asks the desk, copy by copy, who is to have it now; the others get it in their turn. */
static void decide(struct qos_hub *hub, struct delivery_item *item, const struct qos_put_item *put,
                   uint64_t position)
{
    const size_t values = delivery_values(item);
    bool *is_live = mem_zalloc(values * sizeof(bool));
    size_t live = 0;

    for (size_t i = 0; i < values; i++) {
        const struct qos_recipient recipient = qos_recipient_at(&item->message->target, i);

        is_live[i] = qos_desk_stored(hub->desk, put->message.number, &recipient, put->was_empty[i],
                                     position);
        live += is_live[i] ? 1 : 0;
    }
    item->is_held = live == 0;
    if (live > 0 && live < values) {
        struct sse_message *narrow = sse_message_narrow(item->message, is_live);

        sse_message_unref(item->message);
        item->message = narrow;
    }
    free(is_live);
}

static void note_number(struct qos_hub *hub, uint64_t number)
{
    if (hub->first_number == 0)
        hub->first_number = number;
}

/* The order of the delivery is the order of the history: each that is written takes one position.
 */
static void decide_all(struct storing *storing, struct qos_hub *hub)
{
    struct delivery *delivery = storing->delivery;
    uint64_t position = sse_history_last(hub->service->core->history) + 1;
    size_t next = 0;

    for (size_t i = 0; i < delivery->count; i++) {
        struct delivery_item *item = &delivery->items[i];
        const struct qos_put_item *put = &storing->items[next];

        if (next < storing->put.count && storing->item_of[next] == i) {
            next++;
            item->stored = put->stored;
            item->is_held = put->is_repeat;
            item->is_repeat = put->is_repeat;
            if (!put->is_repeat)
                note_number(hub, put->message.number);
            if (!put->is_repeat)
                decide(hub, item, put, position);
            hub->counters.repeats += put->is_repeat ? 1 : 0;
            hub->counters.stored += put->is_repeat ? 0 : put->stored;
        }
        if (item->message && !item->is_held)
            position++;
    }
}

static void refuse(struct storing *storing, int status)
{
    struct delivery *delivery = storing->delivery;
    const size_t at = storing->item_of[storing->put.at];

    /* First, for it lends what the delivery has. */
    storing_free(storing);
    delivery_fail(delivery, status, at);
}

static void on_put(struct qos_job *job)
{
    struct storing *storing = container_of(job, struct storing, put.job);
    struct delivery *delivery = storing->delivery;
    struct qos_hub *hub = storing->service->qos;

    qos_line_leave(&hub->line, delivery, storing->bytes);
    if (job->status < 0) {
        hub->counters.refused++;
        refuse(storing, job->status);
        return;
    }
    qos_hub_publish(hub);
    qos_hub_ended(hub, job, &storing->put.displaced);
    decide_all(storing, hub);
    delivery_broadcast(delivery, storing->service);
}

static void begin(struct delivery *delivery, struct api_service *service)
{
    const struct api_qos_settings *settings = &service->settings->qos;
    struct qos_hub *hub = service->qos;
    struct storing *storing = delivery->context;

    if (!qos_line_has_room(&hub->line, storing->bytes, settings->waiting_bytes)) {
        hub->counters.busy++;
        refuse(storing, -EBUSY);
        return;
    }
    qos_line_enter(&hub->line, delivery, storing->bytes);
    storing->service = service;
    storing->put.queue_most = settings->queue;
    storing->put.messages_most = settings->messages;
    storing->put.bytes_most = settings->bytes;
    storing->put.now = loop_wall_ms(service->api->loop);
    storing->put.job.done = on_put;
    qos_store_submit(hub->store, &storing->put.job);
}

static void tell_reached(struct qos_hub *hub, const struct delivery_item *item, uint64_t number)
{
    if (item->is_held)
        return;
    for (size_t i = 0; i < delivery_values(item); i++) {
        const struct qos_recipient recipient = qos_recipient_at(&item->message->target, i);

        qos_desk_reached(hub->desk, number, &recipient, item->reached[i]);
    }
}

static void end(struct delivery *delivery, struct api_service *service)
{
    struct storing *storing = delivery->context;

    for (size_t i = 0; i < storing->put.count; i++)
        tell_reached(service->qos, &delivery->items[storing->item_of[i]],
                     storing->items[i].message.number);
    storing_free(storing);
}

void qos_send_begin(struct delivery *delivery)
{
    delivery->ready = prepare;
    delivery->begin = begin;
    delivery->end = end;
}

/* A copy by itself. */

struct sending {
    uint64_t number;
    struct qos_recipient *recipient;
};

static void end_one(struct delivery *delivery, struct api_service *service)
{
    const struct sending *sending = delivery->context;

    qos_desk_reached(service->qos->desk, sending->number, sending->recipient,
                     delivery->items[0].reached[0]);
}

static void done_one(struct delivery *delivery)
{
    struct sending *sending = delivery->context;

    free(sending->recipient);
    free(sending);
}

uint64_t qos_send_one(void *context, const struct qos_copy *copy)
{
    struct qos_hub *hub = context;
    const uint64_t position = sse_history_last(hub->service->core->history) + 1;
    struct delivery *delivery = delivery_new(hub->service, NULL, 1);
    struct sending *sending = mem_zalloc(sizeof(*sending));

    sending->number = copy->message->number;
    sending->recipient = qos_recipient_copy(&copy->recipient);
    delivery->context = sending;
    delivery->items[0].message = sse_message_ref(copy->decoded);
    delivery->items[0].message->was_written = qos_hub_was_written(hub, copy);
    delivery->items[0].wants_reached = true;
    delivery->end = end_one;
    delivery->done = done_one;
    delivery_broadcast(delivery, hub->service);
    return position;
}
