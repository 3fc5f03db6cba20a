/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_QOS_JOINS_H
#define API_QOS_JOINS_H
/*
 * Connections that have come to queues, at the owner, until redelivery knows which of these have
 * copies. While the store does not work they wait for it, with one join for each connection.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/chores.h"
#include "base/list.h"
#include "base/table.h"

struct broker_message;
struct qos_hub;

struct qos_joins {
    struct table joining; /* by connection */
    struct list waiting;
    struct list again; /* of these, those whose turn it is once more: thousands may wait */
    struct chore retry;
    uint64_t begun;
};

void qos_joins_init(struct qos_joins *joins);
void qos_joins_release(struct qos_joins *joins); /* when the store has handed back its jobs */

void qos_join(struct qos_hub *hub, const struct broker_message *message);  /* BROKER_JOIN_QUEUES */
void qos_leave(struct qos_hub *hub, const struct broker_message *message); /* BROKER_LEAVE_QUEUES */
/* The store works: those whose queues could not be read, once more, in slices. */
void qos_joins_retry(struct qos_hub *hub);

#endif
