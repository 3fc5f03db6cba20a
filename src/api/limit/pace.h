/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_PACE_H
#define API_PACE_H
/*
 * A token bucket that all workers share, in one atomic number: the time at which it will be full
 * again. Who takes several at once needs one to be there, and may owe the rest: the rate holds in
 * the long run, and a batch larger than the burst is not refused for ever.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/ratelimit.h"

struct pace {
    atomic_uint_fast64_t full_at; /* ns of the loops' clock; 0 to begin with */
};

/* A burst of 0: nothing is limited. */
bool pace_take(struct pace *pace, const struct ratelimit_rule *rule, uint64_t count,
               uint64_t now_ms);

#endif
