/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_IDEMPOTENCY_H
#define BROKER_IDEMPOTENCY_H
/*
 * Idempotency keys, at the owner of a service. The first request that claims a key runs, and
 * settles it with its answer. Later ones get that answer, and wait for it if need be. An answer is
 * kept for five minutes, and while there are not too many of its user and of all. A user with one
 * too many loses its own oldest, so that nobody's keys evict another user's, beyond one each.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/lru.h"
#include "base/table.h"

struct broker;
struct broker_message;
struct loop;

struct idempotency_settings {
    uint32_t keys, user_keys; /* answers that are kept of all, of one user, */
    size_t bytes, user_bytes; /* and their size */
};

struct idempotency {
    struct broker *broker;
    struct loop *loop;
    struct idempotency_settings settings;
    struct lru entries; /* by key, the oldest answer first; held while there is none */
    struct table users; /* by user */
    uint64_t replayed;  /* since the start: answered again */
};

void idempotency_init(struct idempotency *idempotency, struct broker *broker, struct loop *loop,
                      const struct idempotency_settings *settings);
void idempotency_release(struct idempotency *idempotency);

/* BROKER_CLAIM: answers with BROKER_CLAIMED, now or when the first is settled. */
void idempotency_claim(struct idempotency *idempotency, const struct broker_message *claim);
/* BROKER_SETTLE */
void idempotency_settle(struct idempotency *idempotency, const struct broker_message *settlement);

#endif
