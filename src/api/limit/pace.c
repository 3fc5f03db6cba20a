/* SPDX-License-Identifier: Apache-2.0 */
#include "api/limit/pace.h"

#define MS UINT64_C(1000000)    /* in ns */
#define S  UINT64_C(1000000000) /* in ns */

bool pace_take(struct pace *pace, const struct ratelimit_rule *rule, uint64_t count,
               uint64_t now_ms)
{
    const uint64_t now = now_ms * MS;
    uint_fast64_t full_at;
    uint64_t each, from;

    if (rule->burst == 0)
        return true;
    each = S / rule->per_second;
    full_at = atomic_load_explicit(&pace->full_at, memory_order_relaxed);
    do {
        from = full_at > now ? full_at : now;
        if (from + each > now + rule->burst * each)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&pace->full_at, &full_at, from + count * each,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}
