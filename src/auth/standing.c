/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/standing.h"

#include <time.h>

#include "auth/auth.h"

#define SECOND_MS 1000u

static struct auth_meter move_to(const struct auth_meter *meter, uint64_t now_ms)
{
    const uint32_t second = (uint32_t)(now_ms / SECOND_MS);
    const uint32_t passed = second - meter->second;

    if (passed == 0)
        return *meter;
    return (struct auth_meter){.second = second, .before = passed == 1 ? meter->now : 0};
}

void auth_meter_add(struct auth_meter *meter, uint64_t amount, uint64_t now_ms)
{
    *meter = move_to(meter, now_ms);
    meter->now = amount < UINT32_MAX - meter->now ? meter->now + (uint32_t)amount : UINT32_MAX;
}

uint64_t auth_meter_read(const struct auth_meter *meter, uint64_t now_ms)
{
    const struct auth_meter at = move_to(meter, now_ms);

    return at.now + (uint64_t)at.before * (SECOND_MS - now_ms % SECOND_MS) / SECOND_MS;
}

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

/* Of as many as have failed lately, each has the same part. */
static bool is_overdrawn(const struct auth_standing *standing, const struct entry *entry,
                         uint64_t share, uint64_t now_ms)
{
    const struct auth_meter failing = move_to(&standing->failing, now_ms);
    const uint64_t sharers = failing.now > failing.before ? failing.now : failing.before;

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
    standing->failing = move_to(&standing->failing, now_ms);
    if (cost > 0 && (good->failures.second != standing->failing.second || good->failures.now == 0))
        standing->failing.now++;
    auth_meter_add(&good->failures, cost, now_ms);
}

void auth_standing_count(const struct auth_standing *standing, struct auth_counters *counters)
{
    counters->addresses_kept = standing->good.count + standing->failed.count;
    counters->addresses_displaced = standing->good.evicted + standing->failed.evicted;
}

#define SECOND_US 1000000u

static uint64_t thread_time_us(void)
{
    struct timespec time = {0};

    /* Where there is no such clock, nothing ever costs anything. */
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * SECOND_US + (uint64_t)time.tv_nsec / 1000;
}

void auth_work_init(struct auth_work *work, unsigned share)
{
    *work = (struct auth_work){.share = share, .clock_us = thread_time_us};
}

uint64_t auth_work_share(const struct auth_work *work)
{
    return (uint64_t)work->share * (SECOND_US / 100);
}

bool auth_work_admits(const struct auth_work *work, enum auth_rank rank, uint64_t now_ms)
{
    const uint64_t share = auth_work_share(work);

    if (share >= SECOND_US || rank == AUTH_RANK_GOOD)
        return true;
    /* Many that come anew, as after a restart, are no attack: only wrong ones keep others out. */
    if (rank == AUTH_RANK_NEW)
        return auth_meter_read(&work->wrong, now_ms) < (share + SECOND_US) / 2;
    return auth_meter_read(&work->all, now_ms) < share;
}

void auth_work_spend(struct auth_work *work, uint64_t us, bool is_wrong, uint64_t now_ms)
{
    auth_meter_add(&work->all, us, now_ms);
    if (is_wrong)
        auth_meter_add(&work->wrong, us, now_ms);
}
