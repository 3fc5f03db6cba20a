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

void ratelimit_init(struct ratelimit *limit, const struct ratelimit_rule *rule, uint64_t now_ms);

/* False when the bucket is empty: the limit is exceeded. */
bool ratelimit_take(struct ratelimit *limit, const struct ratelimit_rule *rule, uint64_t now_ms);

/* Whether something could be taken. */
bool ratelimit_has(struct ratelimit *limit, const struct ratelimit_rule *rule, uint64_t now_ms);

#endif
