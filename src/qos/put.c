/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/put.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "qos/end.h"

static bool fits(const struct qos_put *put, const struct qos_totals *totals,
                 const struct qos_totals *more)
{
    return totals->messages + more->messages <= put->messages_most &&
           totals->bytes + more->bytes <= put->bytes_most;
}

/* What the request would add; -EDQUOT when it has no place beside what stays. */
static int measure(struct qos_put *put, const struct qos_totals *staying, struct qos_totals *more)
{
    for (size_t i = 0; i < put->count; i++) {
        if (put->items[i].is_repeat)
            continue;
        more->messages++;
        more->bytes += put->items[i].message.length;
        put->at = i;
        if (!fits(put, staying, more))
            return -EDQUOT;
    }
    return 0;
}

static int evict_message(struct qos_put *put, struct qos_repository *repository)
{
    const size_t from = put->displaced.count;
    int status = repository->ops->scan(repository, 0, 1, qos_copies_visit, &put->displaced);

    if (status == 0 && put->displaced.count == from)
        return -EDQUOT;
    return status == 0 ? qos_end_copies(repository, &put->displaced, from, QOS_DISPLACED, put->now)
                       : status;
}

/* For the bounds of all queues together the oldest messages end. -EDQUOT, with nothing done, when
 * they are too narrow for the request, or what is there is durable: that was promised to be kept.
 */
static int evict_for_request(struct qos_put *put, struct qos_repository *repository)
{
    const struct qos_totals nothing = {0};
    const bool is_durable = repository->is_durable;
    struct qos_totals more = {0};
    int status = measure(put, is_durable ? &repository->totals : &nothing, &more);

    while (status == 0 && more.messages > 0 && !fits(put, &repository->totals, &more))
        status = evict_message(put, repository);
    return status;
}

/* For the bound of one queue its oldest copies end. *was_empty: it had no copy before. */
static int evict_for_copy(struct qos_put *put, struct qos_repository *repository,
                          const struct qos_recipient *recipient, bool *was_empty)
{
    const size_t from = put->displaced.count;
    uint64_t count;
    int status = repository->ops->count(repository, recipient, &count);

    if (status != 0)
        return status;
    *was_empty = count == 0;
    if (count < put->queue_most)
        return 0;
    status = repository->ops->read(repository, recipient, 0, count - put->queue_most + 1,
                                   qos_copies_visit, &put->displaced);
    return status == 0 ? qos_end_copies(repository, &put->displaced, from, QOS_DISPLACED, put->now)
                       : status;
}

static int check_known(struct qos_repository *repository, struct qos_put_item *item)
{
    struct qos_message known;
    const int status = repository->ops->find(repository, item->message.id, &known);

    item->is_repeat = status == 0;
    if (status != 0)
        return status == -ENOENT ? 0 : status;
    item->message.number = known.number;
    return known.digest == item->message.digest ? 0 : -EEXIST;
}

/* By id, then by their place in the request. */
static int compare_items(const void *left, const void *right)
{
    const struct qos_put_item *one = *(struct qos_put_item *const *)left;
    const struct qos_put_item *other = *(struct qos_put_item *const *)right;
    const int order = strcmp(one->message.id, other->message.id);

    return order != 0 ? order : (one > other) - (one < other);
}

/* Within the request: the first with an id is the one that is stored. */
static int check_neighbours(struct qos_put *put, struct qos_put_item *const *sorted)
{
    for (size_t i = 1; i < put->count; i++) {
        const struct qos_put_item *before = sorted[i - 1];
        struct qos_put_item *item = sorted[i];

        if (strcmp(item->message.id, before->message.id) != 0)
            continue;
        item->is_repeat = true;
        if (item->message.digest != before->message.digest) {
            put->at = (size_t)(item - put->items);
            return -EEXIST;
        }
    }
    return 0;
}

static int check_each_other(struct qos_put *put)
{
    struct qos_put_item **sorted;
    int status;

    if (put->count < 2)
        return 0;
    sorted = mem_alloc(put->count * sizeof(struct qos_put_item *));
    for (size_t i = 0; i < put->count; i++)
        sorted[i] = &put->items[i];
    qsort(sorted, put->count, sizeof(struct qos_put_item *), compare_items);
    status = check_neighbours(put, sorted);
    free(sorted);
    return status;
}

static int check_ids(struct qos_put *put, struct qos_repository *repository)
{
    int status = 0;

    for (size_t i = 0; status == 0 && i < put->count; i++) {
        put->at = i;
        if (!put->items[i].is_id_fresh)
            status = check_known(repository, &put->items[i]);
    }
    return status == 0 ? check_each_other(put) : status;
}

static int store_item(struct qos_put *put, struct qos_repository *repository,
                      struct qos_put_item *item)
{
    const size_t count = sse_target_size(item->target);
    uint64_t before;
    int status = 0;

    item->was_empty = mem_zalloc(count * sizeof(bool));
    for (size_t i = 0; status == 0 && i < count; i++) {
        const struct qos_recipient recipient = qos_recipient_at(item->target, i);

        status = evict_for_copy(put, repository, &recipient, &item->was_empty[i]);
    }
    if (status != 0)
        return status;
    before = repository->totals.copies;
    status = repository->ops->put(repository, &item->message, item->target);
    item->stored = repository->totals.copies - before;
    return status;
}

static bool count_stored(void *context, const struct qos_copy *copy)
{
    size_t *stored = context;

    *stored += copy->state == QOS_STORED;
    return true;
}

/* As it is when all else is done: the first with this id may be of this request. */
static int look_at_repeat(struct qos_repository *repository, struct qos_put_item *item)
{
    struct qos_message known;
    int status = repository->ops->find(repository, item->message.id, &known);

    if (status != 0)
        return status;
    item->message.number = known.number;
    item->stored = 0;
    return repository->ops->states(repository, known.number, count_stored, &item->stored);
}

/* A request may evict what it has stored itself. */
static void discount_displaced(struct qos_put *put, uint64_t first_number)
{
    for (size_t i = 0; i < put->displaced.count; i++) {
        const uint64_t number = put->displaced.items[i].message->number;

        for (size_t at = 0; number >= first_number && at < put->count; at++)
            if (!put->items[at].is_repeat && put->items[at].message.number == number)
                put->items[at].stored--;
    }
}

static int store_new(struct qos_put *put, struct qos_repository *repository)
{
    uint64_t first_number = UINT64_MAX;
    int status = 0;

    for (size_t i = 0; status == 0 && i < put->count; i++) {
        if (put->items[i].is_repeat)
            continue;
        put->at = i;
        status = store_item(put, repository, &put->items[i]);
        if (first_number == UINT64_MAX)
            first_number = put->items[i].message.number;
    }
    if (status == 0)
        discount_displaced(put, first_number);
    return status;
}

static int look_at_repeats(struct qos_put *put, struct qos_repository *repository)
{
    int status = 0;

    for (size_t i = 0; status == 0 && i < put->count; i++) {
        if (!put->items[i].is_repeat)
            continue;
        put->at = i;
        status = look_at_repeat(repository, &put->items[i]);
    }
    return status;
}

static int run_put(struct qos_job *job, struct qos_repository *repository)
{
    struct qos_put *put = container_of(job, struct qos_put, job);
    int status = check_ids(put, repository);

    if (status == 0)
        status = evict_for_request(put, repository);
    if (status == 0)
        status = store_new(put, repository);
    return status == 0 ? look_at_repeats(put, repository) : status;
}

void qos_put_init(struct qos_put *put)
{
    put->job.run = run_put;
    for (size_t i = 0; i < put->count; i++)
        put->job.weight += sse_target_size(put->items[i].target);
}

void qos_put_release(struct qos_put *put)
{
    for (size_t i = 0; i < put->count; i++) {
        free(put->items[i].was_empty);
        put->items[i].was_empty = NULL;
    }
    qos_copies_release(&put->displaced);
}
