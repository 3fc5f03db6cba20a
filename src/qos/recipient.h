/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QOS_RECIPIENT_H
#define QOS_RECIPIENT_H
/* Whose queues the copies of a message go to. */
#include "qos/repository.h"

/* One of as many as the target names (sse_target_size). The texts are the target's. */
struct qos_recipient qos_recipient_at(const struct sse_target *target, size_t index);

/* A user, token or connection: each of them has to get its copy. Of a tenant, a channel or all, one
 * that has got it is enough. */
bool qos_recipient_is_individual(const struct qos_recipient *recipient);

#endif
