/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/slice.h"
#include "base/slices.h"
#include "broker/engine.h"
#include "broker/publish.h"
#include "broker/redelivery/redelivery.h"
#include "broker/service.h"
#include "broker/stored/state.h"
#include "qos/copies.h"
#include "qos/put.h"
#include "sse/message.h"
#include "sse/service.h"

/* Recipients, above which a round has no further item. */
#define ROUND_VALUES 1000u

/* An item of the put, on its way. */
struct writing {
    size_t index; /* in the batch */
    struct redelivery_write write;
};

/* Beside the publication, until it is answered. */
struct storing {
    struct qos_put put;
    struct publication *publication;
    struct stored_messages *stored;
    struct writing *writings; /* for each item of the put */
    size_t bytes;             /* of their JSON */
    bool is_long;             /* too much for one turn: it is done in rounds */
    struct chore chore;
    struct broker_batch *round; /* that is decided on; NULL: none */
    struct decision decision;   /* of the item at hand */
    size_t values;              /* of the round, so far */
    size_t from, until;         /* the items of the batch that are the latest round's */
    bool has_reached;           /* that round is written, */
    size_t told, value; /* and redelivery knows it of these: items of the put, values of the next */
    size_t ended;       /* copies that were displaced, and whose end is known */
    size_t decided;     /* items of the put */
    struct qos_put_item items[];
};

/* ---- what waits for the disk ---- */

/* Later publications of a session wait behind these, to keep the sender's order; others pass them
 * by. What waits is bounded: a back end that sends faster than the disk writes is told so. There
 * are few senders, since these are back ends. */
struct sender {
    struct list node;
    uint64_t session;
    size_t publications;
};

/* When nothing waits there is room for any. */
static bool has_room(const struct stored_messages *stored, size_t bytes)
{
    return stored->waiting_bytes == 0 ||
           stored->waiting_bytes + bytes <= stored->settings->waiting_bytes;
}

static struct sender *find_sender(const struct stored_messages *stored,
                                  const struct publication *publication)
{
    list_for_each(node, &stored->senders) {
        struct sender *sender = container_of(node, struct sender, node);

        if (sender->session == publication->session)
            return sender;
    }
    return NULL;
}

static struct sender *add_sender(struct stored_messages *stored,
                                 const struct publication *publication)
{
    struct sender *sender = mem_zalloc(sizeof(*sender));

    sender->session = publication->session;
    list_append(&stored->senders, &sender->node);
    return sender;
}

static void enter(struct stored_messages *stored, const struct publication *publication,
                  size_t bytes)
{
    struct sender *sender = find_sender(stored, publication);

    if (!sender)
        sender = add_sender(stored, publication);
    sender->publications++;
    stored->waiting_bytes += bytes;
}

static void leave(struct stored_messages *stored, const struct publication *publication,
                  size_t bytes)
{
    struct sender *sender = find_sender(stored, publication);

    stored->waiting_bytes -= bytes;
    if (--sender->publications > 0)
        return;
    list_remove(&sender->node);
    free(sender);
}

/* ---- stored messages ---- */

static int64_t lifetime_ms(const struct stored_messages *stored, const struct sse_message *message)
{
    if (message->ttl_s < 0)
        return stored->settings->ttl_ms;
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
    item->message.expires = storing->put.now + lifetime_ms(storing->stored, message);
    item->message.receipt = message->receipt;
    item->target = &message->target;
    item->is_id_fresh = message->is_id_fresh;
    storing->writings[storing->put.count++].index = index;
    storing->bytes += from->stored_as.length;
}

static bool go_on(struct chore *chore, struct slice *slice);

static struct storing *storing_new(struct stored_messages *stored, struct publication *publication)
{
    const struct stored_settings *settings = stored->settings;
    const struct broker_batch *batch = publication->batch;
    struct storing *storing =
        mem_zalloc(sizeof(*storing) + batch->count * sizeof(storing->items[0]));

    storing->publication = publication;
    storing->stored = stored;
    storing->chore.step = go_on;
    storing->writings = mem_zalloc(batch->count * sizeof(storing->writings[0]));
    storing->put.items = storing->items;
    storing->put.queue_most = settings->queue;
    storing->put.messages_most = settings->messages;
    storing->put.bytes_most = settings->bytes;
    storing->put.now = loop_wall_ms(stored->service->core->loop);
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
    free(storing->writings);
    free(storing);
}

/* False when the slice is over before all of it is decided. */
static bool decide(struct storing *storing, struct broker_item *item, struct slice *slice)
{
    const struct qos_put_item *put = &storing->items[storing->decided];
    struct redelivery_write *write = &storing->writings[storing->decided].write;
    struct decision *decision = &storing->decision;

    if (!decision->redelivery) /* it begins */
        redelivery_write_begin(storing->stored->redelivery, write);
    decision->redelivery = storing->stored->redelivery;
    decision->write = write;
    decision->target = &item->message->target;
    decision->was_empty = put->was_empty;
    decision->number = put->message.number;
    if (!decision_go_on(decision, slice))
        return false;
    item->is_held = decision->live == 0;
    if (decision->live > 0 && decision->live < broker_item_values(item)) {
        struct sse_message *narrow = sse_message_narrow(item->message, decision->is_live);

        sse_message_unref(item->message);
        item->message = narrow;
    }
    decision_release(decision);
    return true;
}

/* False as above. */
static bool decide_stored(struct storing *storing, struct broker_item *item,
                          struct broker_result *result, struct slice *slice)
{
    const struct qos_put_item *put = &storing->items[storing->decided];
    const size_t values = broker_item_values(item);
    struct stored_messages *stored = storing->stored;

    if (!put->is_repeat) {
        if (stored->first_number == 0)
            stored->first_number = put->message.number;
        if (!decide(storing, item, slice))
            return false;
        stored->counters.stored += put->stored;
    } else {
        stored->counters.repeats++;
        item->is_held = true;
    }
    tracing_stored(&stored->service->tracing, &storing->publication->batch->items[storing->until],
                   put->stored, put->is_repeat);
    result->stored = put->stored;
    result->is_repeat = put->is_repeat;
    storing->values += values;
    storing->decided++;
    return true;
}

static bool is_of_put(const struct storing *storing, size_t index)
{
    return storing->decided < storing->put.count &&
           storing->writings[storing->decided].index == index;
}

static void begin_round(struct storing *storing)
{
    storing->from = storing->until;
    storing->round = broker_batch_new(storing->publication->batch->count - storing->from);
    storing->round->count = 0;
    storing->round->began_ns = storing->publication->batch->began_ns;
    storing->values = 0;
}

/* In the round, where it may get fewer recipients. */
static struct broker_item *copy_item(struct storing *storing, const struct broker_item *from)
{
    const size_t index = storing->until - storing->from;
    struct broker_item *item = &storing->round->items[index];

    if (storing->round->count > index) /* it was begun in another slice */
        return item;
    item->message = from->message ? sse_message_ref(from->message) : NULL;
    item->command = from->command ? sse_command_ref(from->command) : NULL;
    item->shown_most = from->shown_most;
    item->wants_reached = from->wants_reached;
    storing->round->count++;
    return item;
}

/* Of the items that follow, as many as a round takes: at least one. The order of the batch is the
 * order of the history. False as above. */
static bool decide_round(struct storing *storing, struct slice *slice)
{
    struct publication *publication = storing->publication;
    const struct broker_batch *batch = publication->batch;

    if (!storing->round)
        begin_round(storing);
    for (; storing->until < batch->count && storing->values < ROUND_VALUES; storing->until++) {
        struct broker_item *item = copy_item(storing, &batch->items[storing->until]);

        if (is_of_put(storing, storing->until) &&
            !decide_stored(storing, item, &publication_results(publication)[storing->until], slice))
            return false;
    }
    return true;
}

static void refuse(struct storing *storing, int status)
{
    struct publication *publication = storing->publication;
    const size_t at = storing->writings[storing->put.at].index;

    storing_free(storing); /* which the publication lends texts to */
    publication_fail(publication, status, at);
}

/* False when the slice is over before all of this round is told. */
static bool tell_reached(struct storing *storing, struct slice *slice)
{
    struct publication *publication = storing->publication;

    for (; storing->told < storing->decided; storing->told++, storing->value = 0) {
        const size_t index = storing->writings[storing->told].index;
        const struct broker_item *item = &publication->round->items[index - storing->from];
        const struct broker_result *result = &publication_results(publication)[index];
        const uint64_t number = storing->items[storing->told].message.number;

        for (; !item->is_held && storing->value < broker_item_values(item); storing->value++) {
            const struct qos_recipient recipient =
                qos_recipient_at(&item->message->target, storing->value);

            if (!slice_spend(slice))
                return false;
            redelivery_reached(storing->stored->redelivery, number, &recipient,
                               result->reached[storing->value],
                               result->acknowledging[storing->value]);
        }
        if (!storing->items[storing->told].is_repeat)
            redelivery_write_end(storing->stored->redelivery,
                                 &storing->writings[storing->told].write);
    }
    return true;
}

static bool tell_ended(struct storing *storing, struct slice *slice)
{
    const struct qos_copies *displaced = &storing->put.displaced;

    for (; storing->ended < displaced->count; storing->ended++) {
        if (!slice_spend(slice))
            return false;
        stored_end(storing->stored, &displaced->items[storing->ended]);
    }
    return true;
}

static void finish(struct storing *storing)
{
    struct publication *publication = storing->publication;
    struct stored_messages *stored = storing->stored;

    leave(stored, publication, storing->bytes);
    stored->engine->ops->hold(stored->engine, false);
    storing_free(storing);
    publication_finish(publication);
}

/* What was displaced, then rounds: some items are decided on and written, and redelivery hears whom
 * they have reached. Meanwhile the store's other results wait: they rest on what redelivery knows
 * of these. */
static bool go_on(struct chore *chore, struct slice *slice)
{
    struct storing *storing = container_of(chore, struct storing, chore);
    struct broker_batch *round;

    if (!tell_ended(storing, slice) || (storing->has_reached && !tell_reached(storing, slice)))
        return false;
    if (storing->has_reached && storing->until == storing->publication->batch->count) {
        finish(storing);
        return true;
    }
    storing->has_reached = false;
    if (!decide_round(storing, slice))
        return false;
    round = storing->round;
    storing->round = NULL;
    publication_advance(storing->publication, round, storing->from);
    return true;
}

/* Each item that is not held takes one position. */
static void on_appended(struct publication *publication)
{
    struct storing *storing = publication->context;
    uint64_t position = publication->after;

    for (size_t i = storing->told, index = storing->from; index < storing->until; index++) {
        const bool is_written = !publication->round->items[index - storing->from].is_held;

        position += is_written;
        if (i == storing->decided || storing->writings[i].index != index)
            continue;
        if (is_written)
            storing->writings[i].write.position = position;
        i++;
    }
}

static bool end(struct publication *publication)
{
    struct storing *storing = publication->context;
    struct slice slice = slice_without_end();

    storing->has_reached = true;
    if (storing->is_long) {
        chores_add(&storing->stored->chores, &storing->chore);
        return false;
    }
    (void)tell_reached(storing, &slice);
    storing_free(storing);
    return true;
}

static void on_put(struct qos_job *job)
{
    struct storing *storing = container_of(job, struct storing, put.job);
    struct stored_messages *stored = storing->stored;
    struct slice slice = slice_without_end();

    if (job->status == 0 && stored->is_ending)
        job->status = -ESHUTDOWN;
    if (job->status < 0) {
        leave(stored, storing->publication, storing->bytes);
        stored->counters.refused++;
        refuse(storing, job->status);
        return;
    }
    stored_publish(stored);
    storing->is_long = storing->put.job.weight + storing->put.displaced.count >= ROUND_VALUES;
    if (storing->is_long) {
        stored->engine->ops->hold(stored->engine, true);
        chores_add(&stored->chores, &storing->chore);
    } else {
        leave(stored, storing->publication, storing->bytes);
        (void)go_on(&storing->chore, &slice);
    }
}

static void store(struct stored_messages *stored, struct publication *publication)
{
    struct storing *storing = storing_new(stored, publication);

    if (!has_room(stored, storing->bytes)) {
        stored->counters.busy++;
        refuse(storing, -EBUSY);
        return;
    }
    enter(stored, publication, storing->bytes);
    for (size_t i = 0; i < storing->put.count; i++)
        tracing_held(&stored->service->tracing,
                     &publication->batch->items[storing->writings[i].index],
                     publication->batch->by);
    publication->context = storing;
    publication->on_appended = on_appended;
    publication->end = end;
    storing->put.job.done = on_put;
    storing->put.job.is_asked = true;
    stored->engine->ops->put(stored->engine, &storing->put);
}

/* ---- what is not stored ---- */

static void on_turn(struct engine_append *append)
{
    struct publication *publication = container_of(append, struct publication, append);

    struct stored_messages *stored = publication->context;
    struct broker_service *service = stored->service;

    service->lag.appending -= broker_batch_bytes(publication->batch);
    if (append->is_behind_puts)
        leave(stored, publication, 0);
    if (append->status < 0)
        publication_fail(publication, append->status, 0);
    else
        publication_advance(publication, NULL, 0);
    if (service->lag.waiting) /* perhaps for this alone */
        broker_tell_owner(service, broker_message_new(BROKER_CAUGHT_UP, service->index, 0));
}

static void append(struct stored_messages *stored, struct publication *publication)
{
    publication->context = stored;
    publication->append.round = publication->batch;
    publication->append.is_behind_puts = find_sender(stored, publication) != NULL;
    publication->append.done = on_turn;
    stored->service->lag.appending += broker_batch_bytes(publication->batch);
    if (publication->append.is_behind_puts)
        enter(stored, publication, 0);
    stored->engine->ops->append(stored->engine, &publication->append);
}

void storing_receive(struct stored_messages *stored, const struct broker_message *message)
{
    struct publication *publication = publication_new(&stored->service->publisher, message);

    if (message->publish.is_stored)
        store(stored, publication);
    else
        append(stored, publication);
}
