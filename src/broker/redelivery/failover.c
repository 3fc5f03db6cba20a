/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "broker/redelivery/queue.h"

/* ---- what is in flight for whom ---- */

static bool is_held_by(const struct queue *queue, const struct in_flight *copy,
                       const struct consumer *consumer)
{
    const uint64_t position = in_flight_position(queue, copy);

    if (position > 0)
        return consumer_has(consumer, position);
    return copy->serial == queue->serial && queue_is_active(queue, consumer->id);
}

/* Written just now. */
static bool is_young(const struct queue *queue, const struct in_flight *copy)
{
    return copy->since + queue->redelivery->settings->takeover_ms > queue_now(queue);
}

/* Which of the copies stay in flight: */
enum keep {
    KEEP_NONE,
    KEEP_HELD,            /* by the consumer, */
    KEEP_YOUNG,           /* and written just now */
    KEEP_OTHER_BATCHES,   /* not those written alone to the one with this serial */
    KEEP_ALONE_OR_HELD,   /* written to one connection alone, or held */
    KEEP_REACHED_OR_HELD, /* that somebody got, or held */
};

static bool is_kept(const struct queue *queue, const struct in_flight *copy, enum keep keep,
                    const struct consumer *consumer, uint32_t serial)
{
    switch (keep) {
    case KEEP_NONE:
        break;
    case KEEP_HELD:
        return is_held_by(queue, copy, consumer);
    case KEEP_YOUNG:
        return is_held_by(queue, copy, consumer) && is_young(queue, copy);
    case KEEP_OTHER_BATCHES:
        return copy->position > 0 || copy->serial != serial;
    case KEEP_ALONE_OR_HELD:
        return copy->position == 0 || is_held_by(queue, copy, consumer);
    case KEEP_REACHED_OR_HELD:
        return !copy->is_missed || is_held_by(queue, copy, consumer);
    }
    return false;
}

/* Nobody knows yet whom it goes to. */
static bool is_to_be_written(const struct queue *queue, const struct in_flight *copy)
{
    return in_flight_position(queue, copy) == REDELIVERY_UNKNOWN;
}

/* What is not kept is in the store only, again. The next read begins there: one that is under way
 * has begun too late. */
static void put_back(struct queue *queue, enum keep keep, const struct consumer *consumer,
                     uint32_t serial)
{
    const struct redelivery *redelivery = queue->redelivery;
    struct in_flight_list *list = &queue->in_flight;
    uint64_t lowest = QUEUE_NONE;
    size_t kept = 0;

    for (size_t i = 0; i < list->count; i++) {
        const struct in_flight copy = list->items[i];

        if (is_kept(queue, &copy, keep, consumer, serial) || is_to_be_written(queue, &copy)) {
            list->items[kept++] = copy;
            continue;
        }
        if (lowest == QUEUE_NONE)
            lowest = copy.number;
        if (copy.written > 0)
            redelivery->ops->mark(redelivery->context, copy.number, &queue->recipient, QOS_STORED,
                                  copy.written);
    }
    if (lowest == QUEUE_NONE)
        return;
    queue->redelivery->report.in_flight -= list->count - kept;
    in_flight_set_count(list, kept);
    if (lowest <= queue->backlog.cursor)
        queue->backlog.cursor = lowest - 1;
    queue->backlog.has_more = true;
    queue->backlog.put_back++;
    queue->reading = 0;
}

void failover_put_back_batch(struct queue *queue, uint32_t serial)
{
    put_back(queue, KEEP_OTHER_BATCHES, NULL, serial);
}

/* What went to everybody, but not to the active consumer. */
static void put_back_missed(struct queue *queue)
{
    put_back(queue, KEEP_ALONE_OR_HELD, &queue->active, 0);
}

/* The active consumer acknowledges nothing: what it has had for some time is done. The store may
 * have been told, and have failed. */
static void end_held(struct queue *queue)
{
    for (size_t i = 0; i < queue->in_flight.count; i++) {
        struct in_flight *copy = &queue->in_flight.items[i];

        if (is_held_by(queue, copy, &queue->active) && !is_young(queue, copy))
            in_flight_set_done(&queue->in_flight, copy, false);
    }
}

/* ---- the active consumer ---- */

static void mark_former(struct queue *queue)
{
    list_for_each(node, &queue->standbys) {
        struct standby *standby = container_of(node, struct standby, node);

        if (consumer_is_page_of(&standby->consumer, &queue->active))
            standby->is_former = true;
    }
}

void failover_activate(struct queue *queue, const struct consumer *consumer)
{
    if (queue_is_active(queue, consumer->id))
        return;
    queue->active = *consumer;
    queue->serial++;
    queue->backlog.resend_to = 0;
    mark_former(queue);
}

void failover_lose_active(struct queue *queue)
{
    failover_put_back_batch(queue, queue->serial);
    if (queue->batch.serial == queue->serial)
        queue_forget_batch(queue);
    queue->active.id[0] = '\0';
    queue->check.is_wanted = true;
}

/* All is asked anew, if it has to be. */
static void forget_questions(struct queue *queue)
{
    queue_forget_batch(queue);
    queue->reading = 0;
    queue->check = (struct liveness_check){0};
}

static void demote_active(struct queue *queue)
{
    struct standby *standby;

    if (queue->is_group || !queue_has_active(queue))
        return;
    standby = queue_add_standby(queue, &queue->active);
    list_remove(&standby->node);
    list_prepend(&queue->standbys, &standby->node);
}

static void change_active(struct queue *queue, const struct consumer *consumer)
{
    struct standby *standby = queue_standby(queue, consumer->id);

    forget_questions(queue);
    failover_activate(queue, consumer);
    if (standby)
        queue_remove_standby(queue, standby);
    queue->rounds = 0;
    queue->moved_at = queue_now(queue);
}

static uint64_t last_old(const struct queue *queue)
{
    size_t i = queue->in_flight.count;

    while (i > 0 && is_young(queue, &queue->in_flight.items[i - 1]))
        i--;
    return i > 0 ? queue->in_flight.items[i - 1].number : 0;
}

/* The active consumer was, or is, somebody else now, who gets what it does not have; with is_again
 * also what it has. NULL: nobody is there, and all lies in the store again. */
static void fail_over(struct queue *queue, const struct consumer *consumer, bool is_again)
{
    const uint64_t resend_to = is_again ? last_old(queue) : 0;
    const bool is_other = consumer && !queue_is_active(queue, consumer->id);

    if (!consumer) {
        put_back(queue, KEEP_NONE, NULL, 0);
        queue->backlog.has_more = queue->backlog.has_more && queue->in_flight.count > 0;
        forget_questions(queue);
        return;
    }
    /* It has had only the beginning of what its successor gets now. As long as it lives, it must
     * not be written what comes behind that. */
    if (is_other && (queue_has_backlog(queue) || queue->batch.asked))
        demote_active(queue);
    put_back(queue, is_again ? KEEP_YOUNG : KEEP_HELD, consumer, 0);
    if (is_other)
        change_active(queue, consumer);
    if (is_again)
        queue->backlog.resend_to = resend_to;
}

void failover_to_another_node(struct queue *queue)
{
    demote_active(queue);
    put_back(queue, KEEP_NONE, NULL, 0);
    forget_questions(queue);
    if (!queue->is_group)
        queue->active.id[0] = '\0';
}

void failover_from_another_node(struct queue *queue)
{
    const struct standby *last = queue_last_standby(queue);

    queue->backlog.has_more = true;
    queue->backlog.first = queue->backlog.cursor + 1;
    queue->check.is_wanted = true;
    if (last)
        failover_activate(queue, &last->consumer);
    list_for_each_safe(node, after, &queue->standbys)
        queue_remove_standby(queue, container_of(node, struct standby, node));
}

/* As if it had not been written. */
bool failover_step_missed(struct queue *queue)
{
    struct in_flight_list *list = &queue->in_flight;
    const struct standby *standby = queue_last_standby(queue);

    if (list->missed == 0 || list->unconfirmed > 0)
        return false;
    if (queue_has_active(queue))
        put_back(queue, KEEP_REACHED_OR_HELD, &queue->active, 0);
    else if (list->missed == list->count)
        fail_over(queue, standby ? &standby->consumer : NULL, false);
    else
        queue->check.is_wanted = true;
    for (size_t i = 0; i < list->count; i++)
        list->items[i].is_missed = false;
    list->missed = 0;
    return true;
}

/* ---- standbys ---- */

bool failover_lacks(const struct queue *queue, const struct consumer *consumer)
{
    const struct in_flight_list *list = &queue->in_flight;

    if (queue->is_elsewhere || queue_has_backlog(queue) || queue->batch.asked)
        return true;
    for (size_t i = 0; i < list->count; i++) {
        const uint64_t position = in_flight_position(queue, &list->items[i]);

        if (position == 0 || !consumer_has(consumer, position))
            return true;
    }
    return false;
}

bool failover_step_standbys(struct queue *queue)
{
    const struct standby *last = queue_last_standby(queue);
    bool is_any = false;

    if (!last)
        return false;
    if (queue->in_flight.count == 0 && !queue_has_active(queue)) {
        fail_over(queue, &last->consumer, false); /* there is nothing that it could wait for */
        return true;
    }
    list_for_each_safe(node, after, &queue->standbys) {
        struct standby *standby = container_of(node, struct standby, node);

        if (failover_lacks(queue, &standby->consumer))
            continue;
        failover_activate(queue, &standby->consumer);
        queue_remove_standby(queue, standby);
        is_any = true;
    }
    return is_any;
}

static struct standby *first_claim(const struct queue *queue)
{
    list_for_each(node, &queue->standbys) {
        struct standby *standby = container_of(node, struct standby, node);

        if (!standby->is_former)
            return standby;
    }
    return NULL;
}

/* As long as the active consumer takes what it is given, nobody takes over. */
uint64_t failover_due_at(const struct queue *queue)
{
    const struct standby *standby = first_claim(queue);

    if (!standby)
        return QUEUE_NONE;
    return (standby->since > queue->moved_at ? standby->since : queue->moved_at) +
           queue->redelivery->settings->takeover_ms;
}

void failover_take_over(struct queue *queue)
{
    struct standby *standby = queue_last_standby(queue);

    while (standby->is_former)
        standby = container_of(standby->node.prev, struct standby, node);
    queue->redelivery->report.takeovers++;
    fail_over(queue, &standby->consumer, false);
}

/* ---- the liveness check ---- */

/* An individual's active consumer has all that is in flight. It is nobody only when it is the
 * former connection of the page of a standby: then its end has not been noticed yet. */
static bool individual_needs_check(const struct queue *queue)
{
    const struct standby *standby = queue_last_standby(queue);

    return !queue_has_active(queue) || (standby && !standby->is_former &&
                                        consumer_is_page_of(&queue->active, &standby->consumer));
}

static bool group_needs_check(const struct queue *queue)
{
    return !queue_has_active(queue) || in_flight_missing(queue, &queue->active) > 0;
}

/* Crowds come and go all the time; each check visits all of them. */
static bool is_too_early(const struct queue *queue)
{
    return queue->is_group && queue->check.asked_at > 0 &&
           queue_now(queue) < queue->check.asked_at + QUEUE_PAUSE_MS;
}

static bool is_to_ask(struct queue *queue)
{
    struct liveness_check *check = &queue->check;

    if (check->asked || !(check->is_due || check->is_wanted) || in_flight_is_pending(queue))
        return false;
    if (check->is_due)
        return true;
    if (is_too_early(queue))
        return false;
    check->is_wanted = queue->is_group ? group_needs_check(queue) : individual_needs_check(queue);
    return check->is_wanted;
}

/* Which of a group have what the active consumer has not? Whether an individual has a connection
 * that has everything, as all have that got the last? */
static void ask(const struct queue *queue)
{
    const struct redelivery *redelivery = queue->redelivery;
    const struct standby *standby = queue_last_standby(queue);
    const struct consumer *active = queue_has_active(queue) ? &queue->active : NULL;
    const struct consumer *except = standby ? &standby->consumer : NULL;
    uint64_t position = in_flight_last(queue);

    if (queue->is_group) {
        position = in_flight_missing(queue, active);
        except = active;
    }
    redelivery->ops->check_liveness(redelivery->context, queue->check.asked, &queue->recipient,
                                    position, except ? except->instance : 0);
}

bool liveness_check_ask(struct queue *queue)
{
    struct liveness_check *check = &queue->check;

    if (!is_to_ask(queue))
        return false;
    check->was_due = check->is_due;
    if (check->is_due)
        check->is_due = false;
    else
        check->is_wanted = false;
    check->has_joined = false;
    check->has_left = false;
    check->asked_at = queue_now(queue);
    check->asked = queue_question(queue);
    ask(queue);
    return true;
}

/* What comes again comes to one that acknowledges, where there is any. */
static const struct consumer *whose_turn(const struct consumer *newest,
                                         const struct liveness *living)
{
    if (newest && newest->is_silent && living->is_anybody_attentive)
        return &living->attentive;
    return newest;
}

static void on_late(struct queue *queue, const struct consumer *newest)
{
    const bool is_silent = newest && newest->is_silent;
    const unsigned rounds = queue->rounds + 1;

    if (queue_late_at(queue) > queue_now(queue))
        return;
    queue->redelivery->report.timeouts++;
    fail_over(queue, newest, !is_silent);
    if (is_silent)
        end_held(queue);
    queue->rounds = rounds;
}

/* A group's active consumer is always the newest of the living. */
static void on_group(struct queue *queue, size_t having, const struct consumer *newest)
{
    if (!newest) {
        fail_over(queue, NULL, false);
        return;
    }
    if (queue_has_active(queue) && strcmp(newest->id, queue->active.id) != 0)
        failover_lose_active(queue);
    failover_activate(queue, newest);
    if (having == 0)
        put_back_missed(queue);
}

static void on_individual(struct queue *queue, size_t having, const struct consumer *newest)
{
    if (having == 0 || !newest)
        fail_over(queue, newest, false);
    else if (!queue_has_active(queue) && !queue_standby(queue, newest->id))
        failover_activate(queue, newest);
}

static void decide(struct queue *queue, const struct liveness *living)
{
    const struct liveness_check *check = &queue->check;
    const struct standby *standby = queue_last_standby(queue);
    const struct consumer *newest = living->is_anybody ? &living->newest : NULL;

    if (!newest && standby)
        newest = &standby->consumer;
    if (queue->is_group && check->has_joined && queue_has_active(queue))
        newest = &queue->active;
    if (check->was_due)
        on_late(queue, whose_turn(newest, living));
    else if (queue->is_group)
        on_group(queue, living->having, newest);
    else
        on_individual(queue, living->having, newest);
}

void liveness_check_take(struct queue *queue, const struct liveness *living)
{
    struct liveness_check *check = &queue->check;

    check->asked = 0;
    if (!queue->is_group && (check->has_joined || check->has_left)) {
        check->is_due = check->is_due || check->was_due;
        check->is_wanted = true;
    } else {
        decide(queue, living);
    }
}

uint64_t liveness_check_due_at(const struct queue *queue)
{
    const struct liveness_check *check = &queue->check;

    if (!check->is_wanted || check->asked || in_flight_is_pending(queue))
        return QUEUE_NONE;
    return check->asked_at + QUEUE_PAUSE_MS;
}
