/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_RATELIMIT_H
#define BASE_RATELIMIT_H
/* A token bucket in eight bytes: burst at first, then rate per second. */
#include <stdbool.h>
#include <stdint.h>

struct ratelimit_rule {
    uint32_t burst;
    uint32_t per_second; /* 0: the bucket never refills */
};

struct ratelimit {
    uint32_t tokens;
    uint32_t second; /* of the latest refill */
};

static inline void ratelimit_init(struct ratelimit *limit, const struct ratelimit_rule *rule,
                                  uint64_t now_ms)
{
    limit->tokens = rule->burst;
    limit->second = (uint32_t)(now_ms / 1000);
}

/* Whether something could be taken. */
static inline bool ratelimit_has(struct ratelimit *limit, const struct ratelimit_rule *rule,
                                 uint64_t now_ms)
{
    const uint32_t second = (uint32_t)(now_ms / 1000);

    if (second > limit->second) {
        const uint64_t tokens =
            limit->tokens + (uint64_t)(second - limit->second) * rule->per_second;

        limit->tokens = tokens < rule->burst ? (uint32_t)tokens : rule->burst;
        limit->second = second;
    }
    return limit->tokens > 0;
}

/* False when the bucket is empty: the limit is exceeded. */
static inline bool ratelimit_take(struct ratelimit *limit, const struct ratelimit_rule *rule,
                                  uint64_t now_ms)
{
    if (!ratelimit_has(limit, rule, now_ms))
        return false;
    limit->tokens--;
    return true;
}

#endif
