/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/limits.h"

#include <stdlib.h>

#include "base/loop.h"
#include "base/networks.h"
#include "sse/user.h"

#define MS UINT64_C(1000000)    /* in ns */
#define S  UINT64_C(1000000000) /* in ns */

bool pace_take(struct pace *pace, const struct ratelimit_rule *rule, uint64_t count,
               uint64_t now_ms)
{
    const uint64_t now = now_ms * MS;
    uint_fast64_t full_at;
    uint64_t each, from;

    if (rule->burst == 0)
        return true;
    each = S / rule->per_second;
    full_at = atomic_load_explicit(&pace->full_at, memory_order_relaxed);
    do {
        from = full_at > now ? full_at : now;
        if (from + each > now + rule->burst * each)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&pace->full_at, &full_at, from + count * each,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

void limits_init(struct limits *limits, struct loop *loop, const struct limits_settings *settings,
                 struct limits_shared *shared)
{
    *limits = (struct limits){.loop = loop, .settings = *settings, .shared = shared};
    buckets_init(&limits->users, loop, &settings->user_requests, settings->remembered);
    buckets_init(&limits->addresses, loop, &settings->address_requests, settings->remembered);
}

void limits_change(struct limits *limits, const struct limits_settings *settings)
{
    for (size_t slot = 0; slot < BROKER_SLOTS; slot++) {
        if (limits->settings.slots[BROKER_STREAM][slot] == 0 &&
            settings->slots[BROKER_STREAM][slot] > 0)
            limits->since[slot] = loop_wall_ms(limits->loop);
    }
    limits->settings = *settings;
    buckets_change(&limits->users, &settings->user_requests, settings->remembered);
    buckets_change(&limits->addresses, &settings->address_requests, settings->remembered);
}

void limits_release(struct limits *limits)
{
    buckets_release(&limits->users);
    buckets_release(&limits->addresses);
}

bool limits_take_user_request(struct limits *limits, const struct sse_user *user)
{
    char *key;
    bool is_taken;

    if (limits->users.rule.burst == 0)
        return true;
    key = sse_user_key_counted(user->tenant_id, user->id);
    is_taken = buckets_take(&limits->users, key, loop_now_ms(limits->loop));
    free(key);
    return is_taken;
}

bool limits_take_address_request(struct limits *limits, const char *address)
{
    char customer[NETWORKS_TEXT_SIZE];

    if (limits->addresses.rule.burst == 0)
        return true;
    networks_customer(address, customer);
    return buckets_take(&limits->addresses, customer, loop_now_ms(limits->loop));
}

bool limits_take_sends(struct limits *limits, size_t count)
{
    return pace_take(&limits->shared->sends, &limits->settings.sends, count,
                     loop_now_ms(limits->loop));
}

bool limits_enter(const struct limits *limits)
{
    const uint32_t most = limits->settings.connections;
    atomic_uint_fast32_t *connections = &limits->shared->connections;

    /* Counted without a limit too: there may be one when it leaves. */
    if (atomic_fetch_add_explicit(connections, 1, memory_order_relaxed) < most || most == 0)
        return true;
    limits_leave(limits);
    return false;
}

void limits_leave(const struct limits *limits)
{
    atomic_fetch_sub_explicit(&limits->shared->connections, 1, memory_order_relaxed);
}
