/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QOS_QUEUE_COUNTS_H
#define QOS_QUEUE_COUNTS_H
/*
 * Remembers how many copies the queues have that were asked about last. What is not in here has to
 * be counted by who knows: so it takes bounded memory, nothing has to be read when a store is
 * opened, and forgetting all of it is always right.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/lru.h"
#include "qos/repository.h"

struct qos_queue_counts {
    struct lru lru;
    struct buf key; /* of the last one that was looked for */
};

void qos_queue_counts_init(struct qos_queue_counts *counts, size_t most);
void qos_queue_counts_release(struct qos_queue_counts *counts);

/* False: it is not known. */
bool qos_queue_counts_find(struct qos_queue_counts *counts, const struct qos_recipient *recipient,
                           uint64_t *count);
/* One that is not known. */
void qos_queue_counts_add(struct qos_queue_counts *counts, const struct qos_recipient *recipient,
                          uint64_t count);
/* By one more or less; those that are not known stay so. */
void qos_queue_counts_change(struct qos_queue_counts *counts, const struct qos_recipient *recipient,
                             int by);
void qos_queue_counts_forget(struct qos_queue_counts *counts);

#endif
