/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QOS_DISPLACE_H
#define QOS_DISPLACE_H
/*
 * The bounds of what is stored, for put: the oldest copies end where the new ones would not have
 * room. What has ended is added to put->displaced.
 */
#include <stdbool.h>

#include "qos/put.h"

/* Of all queues together. -EDQUOT, with nothing done, when the bounds are too narrow for the
 * request, or what is there is durable: that was promised to be kept. */
int qos_displace_for_request(struct qos_put *put, struct qos_repository *repository);

/* Of one queue. *was_empty: it had no copy before. */
int qos_displace_for_copy(struct qos_put *put, struct qos_repository *repository,
                          const struct qos_recipient *recipient, bool *was_empty);

#endif
