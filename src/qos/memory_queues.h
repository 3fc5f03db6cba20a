/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QOS_MEMORY_QUEUES_H
#define QOS_MEMORY_QUEUES_H
/* The queues of a repository in memory. Private to it. */
#include "base/buf.h"
#include "base/list.h"
#include "base/table.h"
#include "qos/order.h"
#include "qos/repository.h"

/* What its queues, one for each listening, have in common. */
struct qos_memory_value {
    struct table_node node;
    struct list queues; /* struct qos_memory_queue, by link */
    char key[];         /* the dimension, one letter, and the value */
};

/* Lives as long as a copy refers to it, which may have ended. */
struct qos_memory_queue {
    struct list link;
    struct qos_memory_value *value;
    struct qos_order copies; /* stored ones, by number */
    uint64_t count;          /* of those */
    size_t refs;
    char listening[];
};

struct qos_memory_queues {
    struct table values;
    struct buf key; /* of the last one that was looked for */
};

void qos_memory_queues_init(struct qos_memory_queues *queues);
/* Nothing refers to a queue any more. */
void qos_memory_queues_release(struct qos_memory_queues *queues);

struct qos_memory_value *qos_memory_queues_value(struct qos_memory_queues *queues,
                                                 enum sse_dimension dimension, const char *value);
/* NULL when there is none. */
struct qos_memory_queue *qos_memory_queues_find(struct qos_memory_queues *queues,
                                                const struct qos_recipient *recipient);

/* Makes it where there is none. With a reference for the caller. */
struct qos_memory_queue *qos_memory_queues_ref(struct qos_memory_queues *queues,
                                               const struct qos_recipient *recipient);
void qos_memory_queues_unref(struct qos_memory_queues *queues, struct qos_memory_queue *queue);

/* The texts live as long as the queue. */
struct qos_recipient qos_memory_queue_recipient(const struct qos_memory_queue *queue);

#endif
