/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ratelimit.h"

void ratelimit_init(struct ratelimit *limit, const struct ratelimit_rule *rule, uint64_t now_ms)
{
    limit->tokens = rule->burst;
    limit->second = (uint32_t)(now_ms / 1000);
}

static void refill(struct ratelimit *limit, const struct ratelimit_rule *rule, uint32_t second)
{
    uint64_t tokens;

    if (second <= limit->second)
        return;
    tokens = limit->tokens + (uint64_t)(second - limit->second) * rule->per_second;
    limit->tokens = tokens < rule->burst ? (uint32_t)tokens : rule->burst;
    limit->second = second;
}

bool ratelimit_has(struct ratelimit *limit, const struct ratelimit_rule *rule, uint64_t now_ms)
{
    refill(limit, rule, (uint32_t)(now_ms / 1000));
    return limit->tokens > 0;
}

bool ratelimit_take(struct ratelimit *limit, const struct ratelimit_rule *rule, uint64_t now_ms)
{
    if (!ratelimit_has(limit, rule, now_ms))
        return false;
    limit->tokens--;
    return true;
}
