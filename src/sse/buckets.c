/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/buckets.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct bucket {
    struct sse_table_node node;
    struct ratelimit limit;
    struct list place; /* in buckets->used */
    uint64_t used_at;  /* loop ms */
    char key[];
};

static void forget_first(struct sse_buckets *buckets)
{
    struct bucket *bucket = container_of(list_take_first(&buckets->used), struct bucket, place);

    sse_table_remove(&buckets->table, &bucket->node);
    free(bucket);
}

/* Whole seconds are what buckets are filled by: one more, for the one that has begun. */
static uint64_t fill_ms(const struct ratelimit_rule *rule)
{
    if (rule->per_second == 0)
        return UINT64_MAX;
    return ((uint64_t)rule->burst / rule->per_second + 2) * 1000;
}

static uint64_t full_at(const struct sse_buckets *buckets, uint64_t used_at)
{
    const uint64_t needed = fill_ms(&buckets->rule);

    return needed == UINT64_MAX ? AGE_TIMER_NEVER : used_at + needed;
}

static uint64_t end_first(struct age_timer *age, uint64_t now_ms)
{
    struct sse_buckets *buckets = container_of(age, struct sse_buckets, age);
    const struct bucket *first = container_of(buckets->used.next, struct bucket, place);
    uint64_t due;

    if (list_is_empty(&buckets->used))
        return AGE_TIMER_NEVER;
    due = full_at(buckets, first->used_at);
    if (now_ms < due)
        return due;
    forget_first(buckets);
    return 0;
}

void sse_buckets_init(struct sse_buckets *buckets, struct loop *loop,
                      const struct ratelimit_rule *rule, size_t most)
{
    *buckets = (struct sse_buckets){.rule = *rule, .most = most};
    sse_table_init(&buckets->table, SSE_TABLE_KEY_OFFSET(struct bucket, node, key));
    list_init(&buckets->used);
    age_timer_init(&buckets->age, loop, end_first);
}

void sse_buckets_release(struct sse_buckets *buckets)
{
    while (!list_is_empty(&buckets->used))
        forget_first(buckets);
    age_timer_release(&buckets->age);
    sse_table_release(&buckets->table);
}

static struct bucket *add(struct sse_buckets *buckets, const char *key, uint64_t now_ms)
{
    size_t size = strlen(key) + 1;
    struct bucket *bucket = mem_zalloc(sizeof(*bucket) + size);

    if (buckets->table.count >= buckets->most) {
        buckets->displaced++;
        forget_first(buckets);
    }
    memcpy(bucket->key, key, size);
    ratelimit_init(&bucket->limit, &buckets->rule, now_ms);
    sse_table_add(&buckets->table, &bucket->node);
    return bucket;
}

static struct bucket *find(const struct sse_buckets *buckets, const char *key)
{
    struct sse_table_node *node = sse_table_find(&buckets->table, key);

    return node ? container_of(node, struct bucket, node) : NULL;
}

bool sse_buckets_has(const struct sse_buckets *buckets, const char *key, uint64_t now_ms)
{
    struct bucket *bucket = find(buckets, key);

    return !bucket || ratelimit_has(&bucket->limit, &buckets->rule, now_ms);
}

bool sse_buckets_take(struct sse_buckets *buckets, const char *key, uint64_t now_ms)
{
    struct bucket *bucket;

    if (buckets->rule.burst == 0)
        return true;
    age_timer_end_due(&buckets->age, now_ms);
    bucket = find(buckets, key);
    if (!bucket)
        bucket = add(buckets, key, now_ms);
    bucket->used_at = now_ms;
    list_remove(&bucket->place);
    list_append(&buckets->used, &bucket->place);
    age_timer_add(&buckets->age, full_at(buckets, now_ms));
    return ratelimit_take(&bucket->limit, &buckets->rule, now_ms);
}

size_t sse_buckets_count(const struct sse_buckets *buckets)
{
    return buckets->table.count;
}
