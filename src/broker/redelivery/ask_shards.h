/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_REDELIVERY_ASK_SHARDS_H
#define BROKER_REDELIVERY_ASK_SHARDS_H
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
struct shards_asker {
    void (*counted)(void *context, uint64_t question, const struct liveness *living);
    void (*written)(void *context, uint64_t question, size_t taken, bool is_gone);
    void *context;
};

/* The liveness check, as redelivery wants it (broker/redelivery/ops.h) → counted. What count
 * has is lent. */
void shards_count_living(struct broker_service *service, const struct shards_asker *asker,
                         uint64_t question, const struct broker_count *count);

/* A batch for one consumer → written, when it has room for more or is gone. The lines' texts are
 * lent, their wires taken over. */
void shards_write(struct broker_service *service, const struct shards_asker *asker,
                  uint64_t question, const struct consumer *consumer,
                  const struct broker_line *lines, size_t count);

#endif
