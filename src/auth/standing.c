/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/standing.h"

#include "auth/meter.h"

struct entry {
    struct lru_item item;
    struct auth_meter failures; /* of a good one: what they cost */
    char address[];
};

static void use(struct lru *addresses, const char *address, uint64_t now_ms, uint64_t kept_ms)
{
    struct entry *entry = lru_find(addresses, address, now_ms);

    if (entry)
        lru_use(addresses, &entry->item, now_ms + kept_ms);
    else
        (void)lru_add(addresses, address, now_ms, now_ms + kept_ms);
}

void auth_standing_init(struct auth_standing *standing, struct loop *loop, size_t good,
                        size_t failed)
{
    *standing = (struct auth_standing){0};
    lru_init(&standing->good, loop, LRU_BY_TEXT(struct entry, item, address), good);
    lru_init(&standing->failed, loop, LRU_BY_TEXT(struct entry, item, address), failed);
}

void auth_standing_change(struct auth_standing *standing, size_t good, size_t failed)
{
    standing->good.most = good;
    standing->failed.most = failed;
}

void auth_standing_release(struct auth_standing *standing)
{
    lru_release(&standing->good);
    lru_release(&standing->failed);
}

static void move_to(struct auth_standing *standing, uint64_t now_ms)
{
    const uint32_t second = (uint32_t)(now_ms / 1000);

    if (second == standing->second)
        return;
    standing->failing_before = second - standing->second == 1 ? standing->failing_now : 0;
    standing->failing_now = 0;
    standing->second = second;
}

/* Of as many as have failed lately, each has the same part. */
static bool is_overdrawn(struct auth_standing *standing, const struct entry *entry, uint64_t share,
                         uint64_t now_ms)
{
    uint64_t sharers;

    move_to(standing, now_ms);
    sharers = standing->failing_now > standing->failing_before ? standing->failing_now
                                                               : standing->failing_before;
    return sharers > 0 && auth_meter_read(&entry->failures, now_ms) > share / sharers;
}

enum auth_rank auth_standing_of(struct auth_standing *standing, const char *address, uint64_t share,
                                uint64_t now_ms)
{
    const struct entry *good = lru_find(&standing->good, address, now_ms);

    if (good)
        return is_overdrawn(standing, good, share, now_ms) ? AUTH_RANK_LAST : AUTH_RANK_GOOD;
    return lru_find(&standing->failed, address, now_ms) ? AUTH_RANK_LAST : AUTH_RANK_NEW;
}

void auth_standing_succeeded(struct auth_standing *standing, const char *address, uint64_t now_ms)
{
    use(&standing->good, address, now_ms, AUTH_GOOD_ADDRESS_KEPT_MS);
}

void auth_standing_failed(struct auth_standing *standing, const char *address, uint64_t cost,
                          uint64_t now_ms)
{
    struct entry *good = lru_find(&standing->good, address, now_ms);

    if (!good) {
        use(&standing->failed, address, now_ms, AUTH_FAILED_ADDRESS_KEPT_MS);
        return;
    }
    move_to(standing, now_ms);
    if (cost > 0 && (good->failures.second != standing->second || good->failures.now == 0))
        standing->failing_now++;
    auth_meter_add(&good->failures, cost, now_ms);
}

size_t auth_standing_count(const struct auth_standing *standing)
{
    return standing->good.count + standing->failed.count;
}

uint64_t auth_standing_evicted(const struct auth_standing *standing)
{
    return standing->good.evicted + standing->failed.evicted;
}
