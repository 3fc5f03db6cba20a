/* SPDX-License-Identifier: Apache-2.0 */
#include "api/qos/qos_send.h"

#include <errno.h>
#include <stdlib.h>

#include "api/qos/qos_hub.h"
#include "api/worker.h"
#include "base/chores.h"
#include "base/mem.h"
#include "base/slice.h"
#include "broker/publish.h"
#include "qos/copies.h"
#include "qos/decide.h"
#include "qos/put.h"
#include "qos/recipient.h"
#include "sse/history.h"
#include "sse/message.h"
#include "sse/service.h"

/* Recipients, above which a round has no further item. */
#define ROUND_VALUES 1000u

/* Beside the publication, until it is answered. */
struct storing {
    struct qos_put put;
    struct publication *publication;
    struct qos_hub *hub;
    size_t *item_of; /* of the batch, for each of the put */
    size_t bytes;    /* of their JSON */
    bool is_long;    /* too much for one turn: it is done in rounds */
    struct chore chore;
    struct broker_batch *round;   /* that is decided on: all else is paused; NULL: none */
    struct qos_decision decision; /* of the item at hand */
    uint64_t position;            /* the next that is free */
    size_t values;                /* of the round, so far */
    size_t from, until;           /* the items of the batch that are the latest round's */
    bool has_reached;             /* that round is written, */
    size_t told, value; /* and the desk knows it of these: items of the put, values of the next */
    size_t ended;       /* copies that were displaced, and whose end is known */
    size_t decided;     /* items of the put */
    struct qos_put_item items[];
};

static int64_t lifetime_ms(const struct qos_hub *hub, const struct sse_message *message)
{
    if (message->ttl_s < 0)
        return hub->service->settings->qos.ttl_ms;
    return message->ttl_s * 1000;
}

static void add_item(struct storing *storing, size_t index)
{
    const struct broker_item *from = &storing->publication->batch->items[index];
    struct qos_put_item *item = &storing->items[storing->put.count];
    const struct sse_message *message = from->message;

    item->message.id = message->id;
    item->message.json = from->stored_as.json;
    item->message.length = from->stored_as.length;
    item->message.digest = from->stored_as.digest;
    item->message.created = storing->put.now;
    item->message.expires = storing->put.now + lifetime_ms(storing->hub, message);
    item->message.receipt = message->receipt;
    item->target = &message->target;
    item->is_id_fresh = message->is_id_fresh;
    storing->item_of[storing->put.count++] = index;
    storing->bytes += from->stored_as.length;
}

static bool go_on(struct chore *chore, struct slice *slice);

static struct storing *storing_new(struct qos_hub *hub, struct publication *publication)
{
    const struct api_qos_settings *settings = &hub->service->settings->qos;
    const struct broker_batch *batch = publication->batch;
    struct storing *storing =
        mem_zalloc(sizeof(*storing) + batch->count * sizeof(storing->items[0]));

    storing->publication = publication;
    storing->hub = hub;
    storing->chore.step = go_on;
    storing->item_of = mem_alloc(batch->count * sizeof(size_t));
    storing->put.items = storing->items;
    storing->put.queue_most = settings->queue;
    storing->put.messages_most = settings->messages;
    storing->put.bytes_most = settings->bytes;
    storing->put.now = loop_wall_ms(hub->service->api->loop);
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->items[i].message && batch->items[i].message->is_stored)
            add_item(storing, i);
    }
    qos_put_init(&storing->put);
    return storing;
}

static void storing_free(struct storing *storing)
{
    qos_put_release(&storing->put);
    free(storing->item_of);
    free(storing);
}

/* False when the slice is over before all of it is decided. */
static bool decide(struct storing *storing, struct broker_item *item, struct slice *slice)
{
    const struct qos_put_item *put = &storing->items[storing->decided];
    struct qos_decision *decision = &storing->decision;

    decision->desk = storing->hub->desk;
    decision->target = &item->message->target;
    decision->was_empty = put->was_empty;
    decision->number = put->message.number;
    decision->position = storing->position;
    if (!qos_decision_go_on(decision, slice))
        return false;
    item->is_held = decision->live == 0;
    if (decision->live > 0 && decision->live < broker_item_values(item)) {
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
static bool decide_stored(struct storing *storing, struct broker_item *item,
                          struct broker_result *result, struct slice *slice)
{
    const struct qos_put_item *put = &storing->items[storing->decided];
    const size_t values = broker_item_values(item);
    struct qos_hub *hub = storing->hub;

    if (!put->is_repeat) {
        note_number(hub, put->message.number);
        if (!decide(storing, item, slice))
            return false;
        hub->counters.stored += put->stored;
    } else {
        hub->counters.repeats++;
        item->is_held = true;
    }
    result->stored = put->stored;
    result->is_repeat = put->is_repeat;
    storing->values += values;
    storing->decided++;
    return true;
}

static bool is_of_put(const struct storing *storing, size_t index)
{
    return storing->decided < storing->put.count && storing->item_of[storing->decided] == index;
}

static void begin_round(struct storing *storing)
{
    struct api_service *service = storing->hub->service;

    storing->from = storing->until;
    storing->round = broker_batch_new(storing->publication->batch->count - storing->from);
    storing->round->count = 0;
    storing->position = sse_history_last(service->core->history) + 1;
    storing->values = 0;
    publisher_pause(&service->broker.publisher);
}

/* In the round, where it may get fewer recipients. */
static struct broker_item *copy_item(struct storing *storing, const struct broker_item *from)
{
    const size_t index = storing->until - storing->from;
    struct broker_item *item = &storing->round->items[index];

    if (storing->round->count > index) /* it was begun in another slice */
        return item;
    item->message = sse_message_ref(from->message);
    item->duration = from->duration;
    item->session_duration = from->session_duration;
    item->shown_most = from->shown_most;
    item->wants_reached = from->wants_reached;
    storing->round->count++;
    return item;
}

/* Of the items that follow, as many as a round takes: at least one. The order of the batch is the
 * order of the history: each that is written takes one position. False as above. */
static bool decide_round(struct storing *storing, struct slice *slice)
{
    struct publication *publication = storing->publication;
    const struct broker_batch *batch = publication->batch;

    if (!storing->round)
        begin_round(storing);
    for (; storing->until < batch->count && storing->values < ROUND_VALUES; storing->until++) {
        struct broker_item *item = copy_item(storing, &batch->items[storing->until]);

        if (is_of_put(storing, storing->until) &&
            !decide_stored(storing, item, &publication->results[storing->until], slice))
            return false;
        if (!item->is_held)
            storing->position++;
    }
    return true;
}

static void refuse(struct storing *storing, int status)
{
    struct publication *publication = storing->publication;
    const size_t at = storing->item_of[storing->put.at];

    storing_free(storing); /* which the publication lends texts to */
    publication_fail(publication, status, at);
}

static void tell_one(struct qos_hub *hub, const struct broker_result *result, size_t index,
                     uint64_t number, const struct qos_recipient *recipient)
{
    const size_t count = result->reached[index];

    if (result->acknowledging[index] > 0)
        qos_desk_reached(hub->desk, number, recipient, count);
    else
        qos_desk_reached_silent(hub->desk, number, recipient, count);
}

/* False when the slice is over before all of this round is told. */
static bool tell_reached(struct storing *storing, struct slice *slice)
{
    const struct publication *publication = storing->publication;

    for (; storing->told < storing->decided; storing->told++, storing->value = 0) {
        const size_t index = storing->item_of[storing->told];
        const struct broker_item *item = &publication->round->items[index - storing->from];
        const uint64_t number = storing->items[storing->told].message.number;

        for (; !item->is_held && storing->value < broker_item_values(item); storing->value++) {
            const struct qos_recipient recipient =
                qos_recipient_at(&item->message->target, storing->value);

            if (!slice_spend(slice))
                return false;
            tell_one(storing->hub, &publication->results[index], storing->value, number,
                     &recipient);
        }
    }
    return true;
}

static bool tell_ended(struct storing *storing, struct slice *slice)
{
    const struct qos_copies *displaced = &storing->put.displaced;

    for (; storing->ended < displaced->count; storing->ended++) {
        if (!slice_spend(slice))
            return false;
        qos_hub_end(storing->hub, &displaced->items[storing->ended]);
    }
    return true;
}

static void finish(struct storing *storing)
{
    struct publication *publication = storing->publication;
    struct qos_hub *hub = storing->hub;

    qos_line_leave(&hub->line, publication, storing->bytes);
    qos_store_hold(hub->store, false);
    storing_free(storing);
    publication_finish(publication);
}

static void write_round(struct storing *storing)
{
    struct broker_batch *round = storing->round;

    storing->round = NULL;
    publisher_resume(storing->publication, round, storing->from);
}

/* What was displaced, then rounds: some items are decided on and written, and the desk hears whom
 * they have reached. Meanwhile the store's other results wait: they rest on what the desk knows of
 * these. */
static bool go_on(struct chore *chore, struct slice *slice)
{
    struct storing *storing = container_of(chore, struct storing, chore);

    if (!tell_ended(storing, slice) || (storing->has_reached && !tell_reached(storing, slice)))
        return false;
    if (storing->has_reached && storing->until == storing->publication->batch->count) {
        finish(storing);
        return true;
    }
    storing->has_reached = false;
    if (!decide_round(storing, slice))
        return false;
    write_round(storing);
    return true;
}

static bool end(struct publication *publication)
{
    struct storing *storing = publication->context;
    struct slice slice = slice_without_end();

    storing->has_reached = true;
    if (storing->is_long) {
        chores_add(&storing->hub->chores, &storing->chore);
        return false;
    }
    (void)tell_reached(storing, &slice);
    storing_free(storing);
    return true;
}

static void on_put(struct qos_job *job)
{
    struct storing *storing = container_of(job, struct storing, put.job);
    struct qos_hub *hub = storing->hub;
    struct slice slice = slice_without_end();

    if (job->status < 0) {
        qos_line_leave(&hub->line, storing->publication, storing->bytes);
        hub->counters.refused++;
        refuse(storing, job->status);
        return;
    }
    qos_hub_publish(hub);
    storing->is_long = storing->put.job.weight + storing->put.displaced.count >= ROUND_VALUES;
    if (storing->is_long) {
        qos_store_hold(hub->store, true);
        chores_add(&hub->chores, &storing->chore);
    } else {
        qos_line_leave(&hub->line, storing->publication, storing->bytes);
        (void)go_on(&storing->chore, &slice);
    }
}

static void store(struct qos_hub *hub, struct publication *publication)
{
    struct storing *storing = storing_new(hub, publication);

    if (!qos_line_has_room(&hub->line, storing->bytes, hub->service->settings->qos.waiting_bytes)) {
        hub->counters.busy++;
        refuse(storing, -EBUSY);
        return;
    }
    qos_line_enter(&hub->line, publication, storing->bytes);
    publication->context = storing;
    publication->end = end;
    storing->put.job.done = on_put;
    storing->put.job.is_asked = true;
    qos_store_submit(hub->store, &storing->put.job);
}

void qos_send_receive(struct qos_hub *hub, const struct broker_message *message)
{
    struct publication *publication = publication_new(&hub->service->broker.publisher, message);

    if (message->publish.is_stored)
        store(hub, publication);
    else
        qos_line_follow(hub, publication);
}

/* A copy by itself. */

struct sending {
    struct qos_hub *hub;
    uint64_t number;
    struct qos_recipient *recipient;
};

static bool end_one(struct publication *publication)
{
    struct sending *sending = publication->context;

    tell_one(sending->hub, &publication->results[0], 0, sending->number, sending->recipient);
    free(sending->recipient);
    free(sending);
    return true;
}

uint64_t qos_send_one(void *context, const struct qos_copy *copy)
{
    struct qos_hub *hub = context;
    const uint64_t position = sse_history_last(hub->service->core->history) + 1;
    struct broker_batch *batch = broker_batch_new(1);
    struct publication *publication;
    struct sending *sending = mem_zalloc(sizeof(*sending));

    batch->items[0].message = sse_message_ref(copy->decoded);
    batch->items[0].message->was_written = qos_hub_was_written(hub, copy);
    batch->items[0].wants_reached = true;
    sending->hub = hub;
    sending->number = copy->message->number;
    sending->recipient = qos_recipient_copy(&copy->recipient);
    publication = publication_new_own(&hub->service->broker.publisher, batch);
    publication->context = sending;
    publication->end = end_one;
    publication_advance(publication, NULL, 0);
    return position;
}
