/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/displace.h"

#include <errno.h>

#include "qos/ending.h"

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

static int end_displaced(struct qos_put *put, struct qos_repository *repository, size_t from)
{
    return qos_ending_run(repository, &put->displaced, from, QOS_DISPLACED, put->now);
}

static int displace_message(struct qos_put *put, struct qos_repository *repository)
{
    const size_t from = put->displaced.count;
    int status = repository->ops->scan(repository, 0, 1, qos_copies_visit, &put->displaced);

    if (status == 0 && put->displaced.count == from)
        return -EDQUOT;
    return status == 0 ? end_displaced(put, repository, from) : status;
}

static int displace_copies(struct qos_put *put, struct qos_repository *repository,
                           const struct qos_recipient *recipient, size_t count)
{
    const size_t from = put->displaced.count;
    int status =
        repository->ops->read(repository, recipient, 0, count, qos_copies_visit, &put->displaced);

    return status == 0 ? end_displaced(put, repository, from) : status;
}

int qos_displace_for_request(struct qos_put *put, struct qos_repository *repository)
{
    const struct qos_totals nothing = {0};
    const bool is_durable = repository->is_durable;
    struct qos_totals more = {0};
    int status = measure(put, is_durable ? &repository->totals : &nothing, &more);

    while (status == 0 && more.messages > 0 && !fits(put, &repository->totals, &more))
        status = displace_message(put, repository);
    return status;
}

int qos_displace_for_copy(struct qos_put *put, struct qos_repository *repository,
                          const struct qos_recipient *recipient, bool *was_empty)
{
    uint64_t count;
    int status = repository->ops->count(repository, recipient, &count);

    if (status != 0)
        return status;
    *was_empty = count == 0;
    if (count < put->queue_most)
        return 0;
    return displace_copies(put, repository, recipient, count - put->queue_most + 1);
}
