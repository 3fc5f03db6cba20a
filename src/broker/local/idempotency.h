/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_LOCAL_IDEMPOTENCY_H
#define BROKER_LOCAL_IDEMPOTENCY_H
/*
 * The idempotency keys of a service. The first request that claims a key runs, and
 * settles it with its answer. Later ones get that answer, and wait for it if need be. An answer is
 * kept for five minutes, and while there are not too many of its user and of all. A user with one
 * too many loses its own oldest, so that nobody's keys evict another user's, beyond one each.
 */
#include <stdint.h>

#include "base/lru.h"
#include "base/table.h"
#include "broker/engine.h"

struct loop;

struct idempotency {
    struct loop *loop;
    struct idempotency_settings settings;
    struct lru entries; /* by key, the oldest answer first; held while there is none */
    struct table users; /* by user */
    uint64_t replayed;  /* since the start: answered again */
    void (*answer)(struct idempotency *idempotency, struct engine_claim *claim);
};

/* answer: the claim has its outcome, or has failed. */
void idempotency_init(struct idempotency *idempotency, struct loop *loop,
                      const struct idempotency_settings *settings,
                      void (*answer)(struct idempotency *idempotency, struct engine_claim *claim));
/* Claims that wait fail with -ESHUTDOWN. */
void idempotency_release(struct idempotency *idempotency);

/* Answers now, or when the first is settled. */
void idempotency_claim(struct idempotency *idempotency, struct engine_claim *claim);
void idempotency_settle(struct idempotency *idempotency, const struct broker_outcome *outcome);

#endif
