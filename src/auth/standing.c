/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/standing.h"

#include <stdlib.h>
#include <string.h>

#include "auth/meter.h"
#include "base/mem.h"

struct entry {
    struct sse_table_node node;
    struct list place;          /* in addresses->used */
    uint64_t used_at;           /* loop ms */
    struct auth_meter failures; /* of a good one: what they cost */
    char address[];
};

static void forget_first(struct auth_addresses *addresses)
{
    struct entry *entry = container_of(list_take_first(&addresses->used), struct entry, place);

    sse_table_remove(&addresses->table, &entry->node);
    free(entry);
}

static uint64_t end_first(struct age_timer *age, uint64_t now_ms)
{
    struct auth_addresses *addresses = container_of(age, struct auth_addresses, age);
    const struct entry *first = container_of(addresses->used.next, struct entry, place);

    if (list_is_empty(&addresses->used))
        return AGE_TIMER_NEVER;
    if (now_ms - first->used_at < addresses->kept_ms)
        return first->used_at + addresses->kept_ms;
    forget_first(addresses);
    return 0;
}

static void open_list(struct auth_addresses *addresses, struct loop *loop, size_t most,
                      uint64_t kept_ms)
{
    *addresses = (struct auth_addresses){.most = most, .kept_ms = kept_ms};
    sse_table_init(&addresses->table, SSE_TABLE_KEY_OFFSET(struct entry, node, address));
    list_init(&addresses->used);
    age_timer_init(&addresses->age, loop, end_first);
}

static void close_list(struct auth_addresses *addresses)
{
    while (!list_is_empty(&addresses->used))
        forget_first(addresses);
    age_timer_release(&addresses->age);
    sse_table_release(&addresses->table);
}

static struct entry *find(struct auth_addresses *addresses, const char *address, uint64_t now_ms)
{
    struct sse_table_node *node;

    age_timer_end_due(&addresses->age, now_ms);
    node = sse_table_find(&addresses->table, address);
    return node ? container_of(node, struct entry, node) : NULL;
}

static struct entry *add(struct auth_standing *standing, struct auth_addresses *addresses,
                         const char *address)
{
    const size_t size = strlen(address) + 1;
    struct entry *entry = mem_zalloc(sizeof(*entry) + size);

    if (addresses->table.count >= addresses->most) {
        standing->displaced++;
        forget_first(addresses);
    }
    memcpy(entry->address, address, size);
    sse_table_add(&addresses->table, &entry->node);
    return entry;
}

static void use(struct auth_standing *standing, struct auth_addresses *addresses,
                const char *address, uint64_t now_ms)
{
    struct entry *entry = find(addresses, address, now_ms);

    if (addresses->most == 0)
        return;
    if (!entry)
        entry = add(standing, addresses, address);
    entry->used_at = now_ms;
    list_remove(&entry->place);
    list_append(&addresses->used, &entry->place);
    age_timer_add(&addresses->age, now_ms + addresses->kept_ms);
}

void auth_standing_init(struct auth_standing *standing, struct loop *loop, size_t good,
                        size_t failed)
{
    *standing = (struct auth_standing){0};
    open_list(&standing->good, loop, good, AUTH_GOOD_ADDRESS_KEPT_MS);
    open_list(&standing->failed, loop, failed, AUTH_FAILED_ADDRESS_KEPT_MS);
}

void auth_standing_release(struct auth_standing *standing)
{
    close_list(&standing->good);
    close_list(&standing->failed);
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
    const struct entry *good = find(&standing->good, address, now_ms);

    if (good)
        return is_overdrawn(standing, good, share, now_ms) ? AUTH_RANK_LAST : AUTH_RANK_GOOD;
    return find(&standing->failed, address, now_ms) ? AUTH_RANK_LAST : AUTH_RANK_NEW;
}

void auth_standing_succeeded(struct auth_standing *standing, const char *address, uint64_t now_ms)
{
    use(standing, &standing->good, address, now_ms);
}

void auth_standing_failed(struct auth_standing *standing, const char *address, uint64_t cost,
                          uint64_t now_ms)
{
    struct entry *good = find(&standing->good, address, now_ms);

    if (!good) {
        use(standing, &standing->failed, address, now_ms);
        return;
    }
    move_to(standing, now_ms);
    if (cost > 0 && (good->failures.second != standing->second || good->failures.now == 0))
        standing->failing_now++;
    auth_meter_add(&good->failures, cost, now_ms);
}

size_t auth_standing_count(const struct auth_standing *standing)
{
    return standing->good.table.count + standing->failed.table.count;
}
