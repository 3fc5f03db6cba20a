/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_BUCKETS_H
#define BASE_BUCKETS_H
/*
 * A token bucket (base/ratelimit.h) for each key, all with one rule. A bucket that must be full
 * again is forgotten, as one that was never used; when there are too many, the one that was not
 * used for longest is, so that its key has all of its burst again.
 *
 * One costs about 100 bytes and its key's text.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/lru.h"
#include "base/ratelimit.h"

struct buckets {
    struct lru lru;
    struct ratelimit_rule rule;
};

/* A burst of 0: nothing is limited, and nothing kept. most: not 0. */
void buckets_init(struct buckets *buckets, struct loop *loop, const struct ratelimit_rule *rule,
                  size_t most);
/* Another rule and number; what a bucket has stays, up to the new burst. */
void buckets_change(struct buckets *buckets, const struct ratelimit_rule *rule, size_t most);
void buckets_release(struct buckets *buckets);

/* False when the key's bucket is empty. */
bool buckets_take(struct buckets *buckets, const char *key, uint64_t now_ms);

/* Whether something could be taken. */
bool buckets_has(struct buckets *buckets, const char *key, uint64_t now_ms);

#endif
