/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_BUCKETS_H
#define SSE_BUCKETS_H
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

#include "base/age_timer.h"
#include "base/list.h"
#include "base/ratelimit.h"
#include "sse/table.h"

struct sse_buckets {
    struct sse_table table;
    struct list used; /* the one used last comes last */
    struct ratelimit_rule rule;
    size_t most;
    uint64_t displaced; /* forgotten for want of room, since start */
    struct age_timer age;
};

/* A burst of 0: nothing is limited, and nothing kept. */
void sse_buckets_init(struct sse_buckets *buckets, struct loop *loop,
                      const struct ratelimit_rule *rule, size_t most);
void sse_buckets_release(struct sse_buckets *buckets);

/* False when the key's bucket is empty. */
bool sse_buckets_take(struct sse_buckets *buckets, const char *key, uint64_t now_ms);

/* Whether something could be taken. */
bool sse_buckets_has(const struct sse_buckets *buckets, const char *key, uint64_t now_ms);

size_t sse_buckets_count(const struct sse_buckets *buckets);

#endif
