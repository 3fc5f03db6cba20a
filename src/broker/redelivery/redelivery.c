/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/redelivery/redelivery.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/slice.h"
#include "broker/redelivery/queue.h"
#include "qos/copies.h"

struct redelivery *redelivery_new(struct loop *loop, const struct redelivery_settings *settings,
                                  const struct redelivery_ops *ops, void *context)
{
    struct redelivery *redelivery = mem_zalloc(sizeof(*redelivery));

    redelivery->loop = loop;
    redelivery->settings = settings;
    redelivery->ops = ops;
    redelivery->context = context;
    table_init(&redelivery->by_key, TABLE_BY_TEXT(struct queue, by_key, key));
    table_init(&redelivery->by_number, TABLE_BY_VALUE(struct queue, by_number, number));
    table_init(&redelivery->writes, TABLE_BY_VALUE(struct redelivery_write, node, id));
    return redelivery;
}

void redelivery_free(struct redelivery *redelivery)
{
    struct queue *queue;

    if (!redelivery)
        return;
    while ((queue = table_first(&redelivery->by_key)))
        queue_free(queue);
    table_release(&redelivery->by_key);
    table_release(&redelivery->by_number);
    table_release(&redelivery->writes);
    buf_release(&redelivery->key);
    free(redelivery);
}

/* ---- from the store to connections ---- */

static bool can_read(const struct queue *queue)
{
    if (!queue->backlog.has_more || queue->reading || queue->batch.asked ||
        queue->backlog.retry_at > 0 || !queue_has_room(queue))
        return false;
    return queue_has_backlog(queue) ? queue_has_active(queue) : list_is_empty(&queue->standbys);
}

/* A step: asks for what comes next, where it can be written. */
static bool ask_for_more(struct queue *queue)
{
    const struct redelivery *redelivery = queue->redelivery;
    size_t limit;

    if (!can_read(queue))
        return false;
    limit = redelivery->settings->window - queue->in_flight.count;
    if (limit > redelivery->settings->batch)
        limit = redelivery->settings->batch;
    queue->backlog.has_new = false;
    queue->reading = queue_question(queue);
    redelivery->ops->read(redelivery->context, queue->reading, &queue->recipient,
                          queue->backlog.cursor, limit);
    return true;
}

/* It was written to those who acknowledge nothing, or to somebody else. */
static void note_written(struct queue *queue, uint64_t number, bool is_silent)
{
    struct in_flight *copy = in_flight_find(&queue->in_flight, number);

    if (copy && (is_silent || queue->redelivery->settings->ack_on_write))
        in_flight_set_done(&queue->in_flight, copy, false);
}

/* What is done ends in order: a page that comes back gets what has ended from the history, before
 * all that is stored. The store may fail for one and not for the next: nobody waits for it. */
static void tell_done(struct queue *queue)
{
    const struct redelivery *redelivery = queue->redelivery;
    struct in_flight_list *list = &queue->in_flight;

    for (size_t i = 0; list->untold > 0 && i < list->count; i++) {
        struct in_flight *copy = &list->items[i];
        const bool is_first =
            copy->is_done && !(queue->backlog.has_more && copy->number > queue->backlog.cursor);

        if (!is_first && !queue->is_group)
            return;
        if (!copy->is_done || copy->is_told)
            continue;
        in_flight_set_done(list, copy, true);
        redelivery->ops->mark(redelivery->context, copy->number, &queue->recipient,
                              QOS_ACKNOWLEDGED, copy->written);
    }
}

/* Where the active consumer has had the copy from, as one of those to whom it went; 0: it has not.
 */
static uint64_t had_at(const struct queue *queue, const struct qos_copy *copy)
{
    const struct redelivery *redelivery = queue->redelivery;
    uint64_t position;

    if (copy->message->number <= queue->backlog.resend_to)
        return 0;
    position = redelivery->ops->position(redelivery->context, copy);
    return position > 0 && consumer_has(&queue->active, position) ? position : 0;
}

static void adopt(struct queue *queue, const struct qos_copy *copy, uint64_t position)
{
    const uint64_t number = copy->message->number;
    /* From the history, when nobody had been there. */
    const uint32_t written = copy->written > 0 ? copy->written : 1;

    queue->backlog.cursor = number;
    queue_add_in_flight(queue, &(struct in_flight){.number = number,
                                                   .position = position,
                                                   .written = written,
                                                   .is_confirmed = true});
    note_written(queue, number, queue->active.is_silent);
}

static void write_all(struct queue *queue, const struct qos_copy *copy)
{
    const struct redelivery *redelivery = queue->redelivery;
    const uint64_t number = copy->message->number;

    queue->backlog.cursor = number;
    queue->backlog.first = number + 1;
    queue_add_in_flight(queue, &(struct in_flight){.number = number,
                                                   .position = redelivery->ops->write_all(
                                                       redelivery->context, copy),
                                                   .written = copy->written});
}

static bool goes_to_active(const struct queue *queue, const struct qos_copy *copy)
{
    const uint64_t number = copy->message->number;

    return number < queue->backlog.first && queue_has_room(queue) &&
           !in_flight_find(&queue->in_flight, number) && had_at(queue, copy) == 0;
}

/* As many of these as go to the active consumer; at least the first does. */
static size_t write_batch(struct queue *queue, const struct qos_copy *copies, size_t count)
{
    const struct redelivery *redelivery = queue->redelivery;
    struct redelivery_batch *batch = &queue->batch;

    batch->numbers = mem_alloc(count * sizeof(*batch->numbers));
    batch->serial = queue->serial;
    batch->is_silent = queue->active.is_silent;
    batch->count = 0;
    do {
        const uint64_t number = copies[batch->count].message->number;

        batch->numbers[batch->count] = number;
        queue->backlog.cursor = number;
        queue_add_in_flight(queue, &(struct in_flight){.number = number,
                                                       .written = copies[batch->count].written + 1,
                                                       .serial = batch->serial,
                                                       .is_confirmed = true});
        batch->count++;
    } while (batch->count < count && goes_to_active(queue, &copies[batch->count]));
    batch->asked = queue_question(queue);
    queue->moved_at = queue_now(queue);
    redelivery->ops->write_one(redelivery->context, batch->asked, &queue->active, copies,
                               batch->count);
    return batch->count;
}

/* Goes over what was read until something has to be waited for, or comes before it: a write may end
 * a connection that had earlier copies alone. How many are done with. */
static size_t write_some(struct queue *queue, const struct qos_copy *copies, size_t count)
{
    struct queue_backlog *backlog = &queue->backlog;
    const uint32_t put_back = backlog->put_back;
    size_t i = 0;

    for (; i < count && backlog->put_back == put_back; i++) {
        const uint64_t number = copies[i].message->number;
        uint64_t position;

        if (in_flight_find(&queue->in_flight, number)) {
            backlog->cursor = number;
        } else if (!queue_has_room(queue) ||
                   (number < backlog->first && !queue_has_active(queue))) {
            break;
        } else if (number >= backlog->first) {
            backlog->cursor = backlog->first - 1;
            if (!list_is_empty(&queue->standbys))
                break;
            write_all(queue, &copies[i]);
        } else if ((position = had_at(queue, &copies[i])) > 0) {
            adopt(queue, &copies[i], position);
        } else {
            return i + write_batch(queue, &copies[i], count - i);
        }
    }
    return i;
}

/* What it had no room for is read again. */
static void put_back_untaken(struct queue *queue, const struct redelivery_batch *batch,
                             size_t taken)
{
    struct queue_backlog *backlog = &queue->backlog;

    if (taken >= batch->count)
        return;
    for (size_t i = taken; i < batch->count; i++)
        queue_remove_in_flight(queue, batch->numbers[i]);
    if (batch->numbers[taken] <= backlog->cursor)
        backlog->cursor = batch->numbers[taken] - 1;
    backlog->has_more = true;
}

/* ---- steps ---- */

static uint64_t sooner(uint64_t one, uint64_t other)
{
    return one < other ? one : other;
}

/* When to ask who still exists, because copies are late. */
static uint64_t late_at(struct queue *queue)
{
    const struct liveness_check *check = &queue->check;

    return check->is_due || (check->asked && check->was_due) ? QUEUE_NONE : queue_late_at(queue);
}

static void schedule(struct queue *queue)
{
    const uint64_t now = queue_now(queue);
    uint64_t at = sooner(late_at(queue), failover_due_at(queue));

    if (queue->backlog.retry_at > 0)
        at = sooner(at, queue->backlog.retry_at);
    at = sooner(at, liveness_check_due_at(queue));
    if (at == QUEUE_NONE || queue->is_elsewhere)
        loop_timer_stop(&queue->timer);
    else
        loop_timer_start(queue->redelivery->loop, &queue->timer, at > now ? at - now : 0);
}

/* Nothing is left to wait for; standbys are active by then. */
static bool is_over(const struct queue *queue)
{
    return queue->in_flight.count == 0 && !queue->backlog.has_more &&
           list_is_empty(&queue->standbys) && !queue->is_elsewhere;
}

/* The queue may be gone after it. */
static void settle(struct queue *queue)
{
    tell_done(queue);
    while (!queue->is_elsewhere && (failover_step_missed(queue) || failover_step_standbys(queue) ||
                                    liveness_check_ask(queue) || ask_for_more(queue))) {
    }
    if (is_over(queue))
        queue_free(queue);
    else
        schedule(queue);
}

static void on_timer(struct loop_timer *timer)
{
    struct queue *queue = container_of(timer, struct queue, timer);
    const uint64_t now = queue_now(queue);

    if (queue->backlog.retry_at <= now)
        queue->backlog.retry_at = 0;
    if (failover_due_at(queue) <= now)
        failover_take_over(queue);
    if (late_at(queue) <= now)
        queue->check.is_due = true;
    settle(queue);
}

/* ---- copies ---- */

void redelivery_write_begin(struct redelivery *redelivery, struct redelivery_write *write)
{
    write->id = QUEUE_WRITE_ID | ++redelivery->begun;
    write->position = REDELIVERY_UNKNOWN;
    table_add(&redelivery->writes, &write->node);
}

void redelivery_write_end(struct redelivery *redelivery, struct redelivery_write *write)
{
    table_remove(&redelivery->writes, &write->node);
}

/* There is nothing to ask, for a queue that is not open already waits for something. */
bool redelivery_stored(struct redelivery *redelivery, uint64_t number,
                       const struct qos_recipient *recipient, bool was_empty,
                       const struct redelivery_write *write)
{
    struct queue *queue = queue_find(redelivery, recipient);

    if (!queue && !was_empty)
        return false; /* somebody who is not there has older ones, too: who comes reads them all */
    if (!queue)
        queue = queue_new(redelivery, recipient, on_timer);
    if (queue_is_open(queue)) {
        queue_add_in_flight(queue, &(struct in_flight){.number = number, .position = write->id});
        queue->backlog.cursor = number;
        schedule(queue);
        return true;
    }
    queue->backlog.has_more = true;
    queue->backlog.has_new = true;
    if (number < queue->backlog.first)
        queue->backlog.first = number;
    return false;
}

bool decision_go_on(struct decision *decision, struct slice *slice)
{
    const size_t values = sse_target_size(decision->target);

    if (!decision->is_live)
        decision->is_live = mem_zalloc(values * sizeof(bool));
    while (decision->next < values && !slice_is_over(slice)) {
        const size_t i = decision->next++;
        const struct qos_recipient recipient = qos_recipient_at(decision->target, i);

        decision->is_live[i] = redelivery_stored(decision->redelivery, decision->number, &recipient,
                                                 decision->was_empty[i], decision->write);
        decision->live += decision->is_live[i] ? 1 : 0;
        (void)slice_spend(slice);
    }
    return decision->next == values;
}

void decision_release(struct decision *decision)
{
    free(decision->is_live);
    *decision = (struct decision){0};
}

void redelivery_reached(struct redelivery *redelivery, uint64_t number,
                        const struct qos_recipient *recipient, size_t count, size_t acknowledging)
{
    struct queue *queue = queue_find(redelivery, recipient);
    struct in_flight *copy = queue ? in_flight_find(&queue->in_flight, number) : NULL;

    if (copy && !copy->is_confirmed) {
        copy->position = in_flight_position(queue, copy);
        if (count > 0)
            copy->written++;
        in_flight_confirm(&queue->in_flight, copy, count == 0);
    }
    if (copy && count > 0)
        note_written(queue, number, acknowledging == 0);
    else if (count > 0 && (redelivery->settings->ack_on_write || acknowledging == 0))
        redelivery->ops->mark(redelivery->context, number, recipient, QOS_ACKNOWLEDGED, 1);
    if (queue)
        settle(queue);
}

void redelivery_end(struct redelivery *redelivery, uint64_t number,
                    const struct qos_recipient *recipient, enum qos_state state)
{
    struct queue *queue = queue_find(redelivery, recipient);
    const struct in_flight *copy = queue ? in_flight_find(&queue->in_flight, number) : NULL;

    if (!queue)
        return;
    if (copy && state == QOS_ACKNOWLEDGED)
        histogram_add_us(&redelivery->report.acknowledged, (queue_now(queue) - copy->since) * 1000);
    if (queue_remove_in_flight(queue, number))
        queue->rounds = 0;
    settle(queue);
}

uint32_t redelivery_written(const struct redelivery *redelivery, uint64_t number,
                            const struct qos_recipient *recipient)
{
    /* The key's buffer is no part of what redelivery knows. */
    struct queue *queue = queue_find((struct redelivery *)redelivery, recipient);
    const struct in_flight *copy = queue ? in_flight_find(&queue->in_flight, number) : NULL;

    return copy ? copy->written : 0;
}

uint32_t redelivery_in_flight(const struct redelivery *redelivery,
                              const struct qos_recipient *recipient)
{
    const struct queue *queue = queue_find((struct redelivery *)redelivery, recipient);

    return queue ? (uint32_t)queue->in_flight.count : 0;
}

/* ---- consumers ---- */

/* Nobody waits: what its page's former connection has not acknowledged is its own at once, and what
 * others have, if they are still there. */
static void join_group(struct queue *queue, const struct consumer *consumer)
{
    if (queue_is_active(queue, consumer->id))
        return;
    if (queue_has_active(queue) && consumer_is_page_of(&queue->active, consumer))
        failover_lose_active(queue);
    failover_activate(queue, consumer);
    queue->check.is_wanted = true;
}

static void join_individual(struct queue *queue, const struct consumer *consumer)
{
    if (queue_is_active(queue, consumer->id) || queue_standby(queue, consumer->id))
        return;
    if (!failover_lacks(queue, consumer)) {
        failover_activate(queue, consumer);
        return;
    }
    queue_add_standby(queue, consumer);
    queue->check.is_wanted = true;
}

void redelivery_join(struct redelivery *redelivery, const struct consumer *consumer,
                     const struct qos_recipient *recipient, bool has_stored)
{
    struct queue *queue = queue_find(redelivery, recipient);

    if (!queue && !has_stored)
        return;
    if (!queue) {
        queue = queue_new(redelivery, recipient, on_timer);
        queue->backlog.has_more = true;
        failover_activate(queue, consumer);
    }
    queue->check.has_joined = true;
    if (queue->is_group)
        join_group(queue, consumer);
    else
        join_individual(queue, consumer);
    settle(queue);
}

void redelivery_leave(struct redelivery *redelivery, const char *connection_id,
                      const struct qos_recipient *recipient)
{
    struct queue *queue = queue_find(redelivery, recipient);
    struct standby *standby = queue ? queue_standby(queue, connection_id) : NULL;

    if (!queue)
        return;
    queue->check.has_left = true;
    if (standby)
        queue_remove_standby(queue, standby);
    else if (queue_is_active(queue, connection_id))
        failover_lose_active(queue);
    queue->check.is_wanted = true;
    settle(queue);
}

void redelivery_own(struct redelivery *redelivery, const struct qos_recipient *recipient,
                    bool is_owned_here)
{
    struct queue *queue = queue_find(redelivery, recipient);

    if (!queue && is_owned_here)
        return;
    if (!queue)
        queue = queue_new(redelivery, recipient, on_timer);
    if (queue->is_elsewhere != is_owned_here)
        return;
    queue->is_elsewhere = !is_owned_here;
    if (queue->is_elsewhere)
        failover_to_another_node(queue);
    else
        failover_from_another_node(queue);
    settle(queue);
}

/* ---- answers ---- */

void redelivery_read_done(struct redelivery *redelivery, uint64_t question, int status,
                          const struct qos_copy *copies, size_t count, bool is_all)
{
    struct queue *queue = queue_asked(redelivery, question);
    const uint32_t put_back = queue ? queue->backlog.put_back : 0;

    if (!queue || queue->reading != question)
        return;
    queue->reading = 0;
    if (status < 0) {
        queue->backlog.retry_at = queue_now(queue) + QUEUE_PAUSE_MS;
    } else if (write_some(queue, copies, count) == count && is_all && !queue->backlog.has_new &&
               queue->backlog.put_back == put_back) {
        queue->backlog.has_more = false;
        queue->backlog.first = QUEUE_NONE;
    }
    settle(queue);
}

void redelivery_living(struct redelivery *redelivery, uint64_t question,
                       const struct liveness *living)
{
    struct queue *queue = queue_asked(redelivery, question);

    if (!queue || queue->check.asked != question)
        return;
    liveness_check_take(queue, living);
    settle(queue);
}

void redelivery_batch_written(struct redelivery *redelivery, uint64_t question, size_t taken,
                              bool is_gone)
{
    struct queue *queue = queue_asked(redelivery, question);
    struct redelivery_batch batch;

    if (!queue || queue->batch.asked != question)
        return;
    batch = queue->batch;
    queue->batch = (struct redelivery_batch){0};
    put_back_untaken(queue, &batch, taken);
    if (taken > 0)
        queue->moved_at = queue_now(queue);
    for (size_t i = 0; i < taken && i < batch.count; i++) {
        redelivery->report.resends++;
        note_written(queue, batch.numbers[i], batch.is_silent);
    }
    tell_done(queue); /* before what it had is put back */
    if (is_gone && batch.serial == queue->serial && queue_has_active(queue))
        failover_lose_active(queue);
    else if (is_gone)
        failover_put_back_batch(queue, batch.serial);
    free(batch.numbers);
    settle(queue);
}

void redelivery_report(const struct redelivery *redelivery, struct redelivery_report *report)
{
    *report = redelivery->report;
}
