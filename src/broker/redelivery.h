/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_REDELIVERY_H
#define BROKER_REDELIVERY_H
/*
 * What the redelivery of a service, at its owner, asks of shards. Answers always come later: never
 * from inside of the call that asks, nor from inside of what a connection of this worker is at when
 * it has room again or ends.
 */
#include <stddef.h>
#include <stdint.h>

#include "broker/message.h"

struct broker_service;

/* Who asks. question: what the asker has called it. */
struct redelivery_asker {
    void (*counted)(void *context, uint64_t question, const struct qos_census *census);
    void (*written)(void *context, uint64_t question, size_t taken, bool is_gone);
    void *context;
};

/* The liveness check, as the desk wants it (qos/desk.h) → counted. What count has is lent. */
void redelivery_count(struct broker_service *service, const struct redelivery_asker *asker,
                      uint64_t question, const struct broker_count *count);

/* A batch for one client → written, when it has room for more or is gone. The lines' texts are
 * lent, their wires taken over. */
void redelivery_write(struct broker_service *service, const struct redelivery_asker *asker,
                      uint64_t question, const struct qos_client *client,
                      const struct broker_line *lines, size_t count);

#endif
