/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/limits.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/networks.h"
#include "sse/user.h"

/* ---- slots ---- */

struct client {
    char *name;
    uint32_t count;
};

struct entry {
    struct table_node node;
    uint32_t count;
    uint32_t client_count;
    struct client *clients; /* no more than slots, which are few: they are searched in order */
    char key[];
};

void slots_init(struct slots *slots, uint32_t most, uint32_t client_most)
{
    *slots = (struct slots){.most = most, .client_most = client_most};
    table_init(&slots->table, TABLE_BY_TEXT(struct entry, node, key));
}

static void entry_free(struct slots *slots, struct entry *entry)
{
    table_remove(&slots->table, &entry->node);
    for (uint32_t i = 0; i < entry->client_count; i++)
        free(entry->clients[i].name);
    free(entry->clients);
    free(entry);
}

static void forget_all(struct slots *slots)
{
    struct entry *entry;

    while ((entry = table_first(&slots->table)))
        entry_free(slots, entry);
}

void slots_change(struct slots *slots, uint32_t most, uint32_t client_most)
{
    slots->most = most;
    slots->client_most = client_most;
    if (most == 0)
        forget_all(slots);
}

void slots_release(struct slots *slots)
{
    forget_all(slots);
    table_release(&slots->table);
}

static struct client *find_client(const struct entry *entry, const char *name)
{
    for (uint32_t i = 0; i < entry->client_count; i++) {
        if (strcmp(entry->clients[i].name, name) == 0)
            return &entry->clients[i];
    }
    return NULL;
}

static struct client *add_client(struct entry *entry, const char *name)
{
    struct client *client;

    entry->clients =
        mem_realloc(entry->clients, (entry->client_count + 1) * sizeof(entry->clients[0]));
    client = &entry->clients[entry->client_count++];
    *client = (struct client){.name = mem_strdup(name)};
    return client;
}

static void remove_client(struct entry *entry, struct client *client)
{
    free(client->name);
    *client = entry->clients[--entry->client_count];
}

bool slots_take(struct slots *slots, const char *key, const char *client)
{
    struct entry *entry;
    struct client *known = NULL;

    if (slots->most == 0)
        return true;
    entry = table_find(&slots->table, key);
    if (slots->client_most == 0)
        client = NULL;
    if (entry && client)
        known = find_client(entry, client);
    if (entry && entry->count >= slots->most && (!known || known->count < slots->client_most))
        return false;
    if (!entry)
        entry = table_new_item(&slots->table, key);
    if (client && !known)
        known = add_client(entry, client);
    if (known)
        known->count++;
    entry->count++;
    return true;
}

void slots_give(struct slots *slots, const char *key, const char *client)
{
    struct entry *entry = table_find(&slots->table, key);
    struct client *known = NULL;

    if (!entry)
        return;
    if (client)
        known = find_client(entry, client);
    if (known && --known->count == 0)
        remove_client(entry, known);
    if (--entry->count == 0)
        entry_free(slots, entry);
}

/* ---- rates ---- */

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
