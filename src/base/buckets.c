/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buckets.h"

#include "base/mem.h"

struct bucket {
    struct lru_item item; /* ends when the bucket must be full again */
    struct ratelimit limit;
    char key[];
};

/* Whole seconds are what buckets are filled by: one more, for the one that has begun. */
static uint64_t full_at(const struct buckets *buckets, uint64_t now_ms)
{
    const struct ratelimit_rule *rule = &buckets->rule;

    if (rule->per_second == 0)
        return LRU_NEVER;
    return now_ms + ((uint64_t)rule->burst / rule->per_second + 2) * 1000;
}

void buckets_init(struct buckets *buckets, struct loop *loop, const struct ratelimit_rule *rule,
                  size_t most)
{
    buckets->rule = *rule;
    lru_init(&buckets->lru, loop, LRU_BY_TEXT(struct bucket, item, key), most);
}

void buckets_change(struct buckets *buckets, const struct ratelimit_rule *rule, size_t most)
{
    const uint64_t now = loop_now_ms(buckets->lru.age.loop);

    buckets->rule = *rule;
    buckets->lru.most = most;
    if (rule->burst == 0)
        lru_clear(&buckets->lru);
    lru_trim(&buckets->lru);
    for (size_t i = 0; i < buckets->lru.count; i++) {
        struct lru_item *item = lru_first(&buckets->lru);
        struct ratelimit *limit = &container_of(item, struct bucket, item)->limit;

        limit->tokens = limit->tokens < rule->burst ? limit->tokens : rule->burst;
        lru_use(&buckets->lru, item, full_at(buckets, now));
    }
}

void buckets_release(struct buckets *buckets)
{
    lru_release(&buckets->lru);
}

bool buckets_has(struct buckets *buckets, const char *key, uint64_t now_ms)
{
    struct bucket *bucket = lru_find(&buckets->lru, key, now_ms);

    return !bucket || ratelimit_has(&bucket->limit, &buckets->rule, now_ms);
}

bool buckets_take(struct buckets *buckets, const char *key, uint64_t now_ms)
{
    struct bucket *bucket;

    if (buckets->rule.burst == 0)
        return true;
    bucket = lru_find(&buckets->lru, key, now_ms);
    if (bucket) {
        lru_use(&buckets->lru, &bucket->item, full_at(buckets, now_ms));
    } else {
        bucket = lru_add(&buckets->lru, key, now_ms, full_at(buckets, now_ms));
        ratelimit_init(&bucket->limit, &buckets->rule, now_ms);
    }
    return ratelimit_take(&bucket->limit, &buckets->rule, now_ms);
}
