/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QOS_MEMORY_QUEUES_H
#define QOS_MEMORY_QUEUES_H
/* The queues of a repository in memory. Private to it. */
#include "base/list.h"
#include "qos/order.h"
#include "qos/repository.h"
#include "sse/table.h"

/* What its queues, one for each listening, have in common. */
struct memory_value {
    struct sse_table_node node;
    struct list queues; /* struct memory_queue, by link */
    char key[];         /* the dimension, one letter, and the value */
};

/* Lives as long as a copy refers to it, which may have ended. */
struct memory_queue {
    struct list link;
    struct memory_value *value;
    struct qos_order copies; /* stored ones, by number */
    uint64_t count;          /* of those */
    size_t refs;
    char listening[];
};

struct memory_queues {
    struct sse_table values;
};

void memory_queues_init(struct memory_queues *queues);
/* Nothing refers to a queue any more. */
void memory_queues_release(struct memory_queues *queues);

struct memory_value *memory_queues_value(const struct memory_queues *queues,
                                         enum sse_dimension dimension, const char *value);
/* NULL when there is none. */
struct memory_queue *memory_queues_find(const struct memory_queues *queues,
                                        const struct qos_recipient *recipient);

/* Makes it where there is none. With a reference for the caller. */
struct memory_queue *memory_queues_ref(struct memory_queues *queues,
                                       const struct qos_recipient *recipient);
void memory_queues_unref(struct memory_queues *queues, struct memory_queue *queue);

/* The texts live as long as the queue. */
struct qos_recipient memory_queue_recipient(const struct memory_queue *queue);

#endif
