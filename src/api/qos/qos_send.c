/* SPDX-License-Identifier: Apache-2.0 */
#include "api/qos/qos_send.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/backend/delivery.h"
#include "api/backend/delivery_gate.h"
#include "api/qos/qos_hub.h"
#include "api/worker.h"
#include "base/chores.h"
#include "base/mem.h"
#include "base/slice.h"
#include "qos/copies.h"
#include "qos/decide.h"
#include "qos/put.h"
#include "qos/recipient.h"
#include "sse/history.h"
#include "sse/message.h"
#include "sse/service.h"

/* Recipients, above which a round has no further item. */
#define ROUND_VALUES 1000u

/* Beside the delivery, from its origin to the hub and back. */
struct storing {
    struct qos_put put;
    struct delivery *delivery;
    struct api_service *service; /* the hub's */
    size_t *item_of;             /* of the delivery, for each of the put */
    size_t bytes;                /* of their JSON */
    bool is_long;                /* too much for one turn: it is done in rounds */
    struct chore chore;
    bool is_deciding;             /* a round has begun: the gate is closed */
    struct qos_decision decision; /* of the item at hand */
    uint64_t position;            /* the next that is free */
    size_t values;                /* of the round, so far */
    bool has_reached;             /* the broadcast of this round is over, */
    size_t told, value; /* and the desk knows it of these: items of the put, values of the next */
    size_t ended;       /* copies that were displaced, and whose end is known */
    size_t decided;     /* items of the put */
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
                         struct delivery_item *from)
{
    const int64_t now = loop_wall_ms(delivery->service->api->loop);
    struct sse_message *message = from->message;
    struct message_text *text = &from->stored_as;

    if (!text->json)
        message_text_write(text, message);
    item->message.id = message->id;
    item->message.json = text->json;
    item->message.length = text->length;
    item->message.digest = text->digest;
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
    qos_put_release(&storing->put);
    free(storing->item_of);
    free(storing);
}

static bool go_on(struct chore *chore, struct slice *slice);

/* At the origin: the JSON trees are its thread's. */
static void prepare(struct delivery *delivery)
{
    struct storing *storing =
        mem_zalloc(sizeof(*storing) + delivery->count * sizeof(storing->items[0]));

    storing->delivery = delivery;
    storing->chore.step = go_on;
    storing->item_of = mem_alloc(delivery->count * sizeof(size_t));
    storing->put.items = storing->items;
    for (size_t i = 0; i < delivery->count; i++) {
        if (!is_stored(&delivery->items[i]))
            continue;
        storing->item_of[storing->put.count] = i;
        if (!prepare_item(delivery, &storing->items[storing->put.count], &delivery->items[i]))
            delivery->status = -ENOMEM;
        storing->bytes += storing->items[storing->put.count++].message.length;
        delivery->items[i].wants_reached = true;
    }
    qos_put_init(&storing->put);
    delivery->context = storing;
    if (delivery->status < 0)
        storing_free(storing);
}

/* False when the slice is over before all of it is decided. */
static bool decide(struct storing *storing, struct qos_hub *hub, struct delivery_item *item,
                   struct slice *slice)
{
    const struct qos_put_item *put = &storing->items[storing->decided];
    struct qos_decision *decision = &storing->decision;

    decision->desk = hub->desk;
    decision->target = &item->message->target;
    decision->was_empty = put->was_empty;
    decision->number = put->message.number;
    decision->position = storing->position;
    if (!qos_decision_go_on(decision, slice))
        return false;
    item->is_held = decision->live == 0;
    if (decision->live > 0 && decision->live < delivery_values(item)) {
        struct sse_message *narrow = sse_message_narrow(item->message, decision->is_live);

        sse_message_unref(item->message);
        item->message = narrow;
    }
    qos_decision_release(decision);
    return true;
}

static void note_number(struct qos_hub *hub, uint64_t number)
{
    if (hub->first_number == 0)
        hub->first_number = number;
}

/* False as above. */
static bool decide_stored(struct storing *storing, struct qos_hub *hub, struct delivery_item *item,
                          struct slice *slice)
{
    const struct qos_put_item *put = &storing->items[storing->decided];
    const size_t values = delivery_values(item);

    if (!put->is_repeat) {
        note_number(hub, put->message.number);
        if (!decide(storing, hub, item, slice))
            return false;
        hub->counters.stored += put->stored;
    } else {
        hub->counters.repeats++;
        item->is_held = true;
    }
    item->stored = put->stored;
    item->is_repeat = put->is_repeat;
    storing->values += values;
    storing->decided++;
    return true;
}

static bool is_of_put(const struct storing *storing, size_t index)
{
    return storing->decided < storing->put.count && storing->item_of[storing->decided] == index;
}

/* Of the items that follow, as many as a round takes: at least one. The order of the delivery is
 * the order of the history: each that is written takes one position. False as above. */
static bool decide_round(struct storing *storing, struct qos_hub *hub, struct slice *slice)
{
    struct delivery *delivery = storing->delivery;

    if (!storing->is_deciding) {
        storing->is_deciding = true;
        storing->position = sse_history_last(hub->service->core->history) + 1;
        storing->values = 0;
        delivery->from = delivery->until;
        delivery_gate_close(hub->service);
    }
    for (; delivery->until < delivery->count && storing->values < ROUND_VALUES; delivery->until++) {
        struct delivery_item *item = &delivery->items[delivery->until];

        if (is_of_put(storing, delivery->until) && !decide_stored(storing, hub, item, slice))
            return false;
        if (item->message && !item->is_held)
            storing->position++;
    }
    storing->is_deciding = false;
    return true;
}

static void refuse(struct storing *storing, int status)
{
    struct delivery *delivery = storing->delivery;
    const size_t at = storing->item_of[storing->put.at];

    /* First, for it lends what the delivery has. */
    storing_free(storing);
    delivery_fail(delivery, status, at);
}

static void tell_one(struct qos_hub *hub, const struct delivery_item *item, size_t index,
                     uint64_t number, const struct qos_recipient *recipient)
{
    const size_t count = item->reached[index];

    if (item->acknowledging[index] > 0)
        qos_desk_reached(hub->desk, number, recipient, count);
    else
        qos_desk_reached_silent(hub->desk, number, recipient, count);
}

/* False when the slice is over before all of this round is told. */
static bool tell_reached(struct storing *storing, struct slice *slice)
{
    struct qos_hub *hub = storing->service->qos;

    for (; storing->told < storing->decided; storing->told++, storing->value = 0) {
        const struct delivery_item *item =
            &storing->delivery->items[storing->item_of[storing->told]];
        const uint64_t number = storing->items[storing->told].message.number;

        for (; !item->is_held && storing->value < delivery_values(item); storing->value++) {
            const struct qos_recipient recipient =
                qos_recipient_at(&item->message->target, storing->value);

            if (!slice_spend(slice))
                return false;
            tell_one(hub, item, storing->value, number, &recipient);
        }
    }
    return true;
}

static bool tell_ended(struct storing *storing, struct slice *slice)
{
    const struct qos_copies *displaced = &storing->put.displaced;
    struct qos_hub *hub = storing->service->qos;

    for (; storing->ended < displaced->count; storing->ended++) {
        if (!slice_spend(slice))
            return false;
        qos_hub_end(hub, &displaced->items[storing->ended]);
    }
    return true;
}

static void finish(struct storing *storing)
{
    struct delivery *delivery = storing->delivery;
    struct qos_hub *hub = storing->service->qos;

    qos_line_leave(&hub->line, delivery, storing->bytes);
    qos_store_hold(hub->store, false);
    storing_free(storing);
    delivery_finish(delivery);
}

/* What was displaced, then rounds: some items are decided on and written, and the desk hears whom
 * they have reached. Meanwhile the store's other results wait: they rest on what the desk knows of
 * these. */
static bool go_on(struct chore *chore, struct slice *slice)
{
    struct storing *storing = container_of(chore, struct storing, chore);
    struct delivery *delivery = storing->delivery;

    if (!tell_ended(storing, slice) || (storing->has_reached && !tell_reached(storing, slice)))
        return false;
    if (storing->has_reached && delivery->until == delivery->count) {
        finish(storing);
        return true;
    }
    storing->has_reached = false;
    if (!decide_round(storing, storing->service->qos, slice))
        return false;
    delivery_gate_open(storing->service, delivery);
    return true;
}

static bool end(struct delivery *delivery, struct api_service *service)
{
    struct storing *storing = delivery->context;

    struct slice slice = slice_without_end();

    storing->has_reached = true;
    if (storing->is_long) {
        chores_add(&service->qos->chores, &storing->chore);
        return false;
    }
    (void)tell_reached(storing, &slice);
    storing_free(storing);
    return true;
}

static void on_put(struct qos_job *job)
{
    struct storing *storing = container_of(job, struct storing, put.job);
    struct delivery *delivery = storing->delivery;
    struct qos_hub *hub = storing->service->qos;
    struct slice slice = slice_without_end();

    if (job->status < 0) {
        qos_line_leave(&hub->line, delivery, storing->bytes);
        hub->counters.refused++;
        refuse(storing, job->status);
        return;
    }
    qos_hub_publish(hub);
    delivery->until = 0; /* nothing is decided */
    storing->is_long = storing->put.job.weight + storing->put.displaced.count >= ROUND_VALUES;
    if (storing->is_long) {
        qos_store_hold(hub->store, true);
        chores_add(&hub->chores, &storing->chore);
    } else {
        qos_line_leave(&hub->line, delivery, storing->bytes);
        (void)go_on(&storing->chore, &slice);
    }
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
    storing->put.job.is_asked = true;
    qos_store_submit(hub->store, &storing->put.job);
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

static bool end_one(struct delivery *delivery, struct api_service *service)
{
    const struct sending *sending = delivery->context;

    tell_one(service->qos, &delivery->items[0], 0, sending->number, sending->recipient);
    return true;
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
