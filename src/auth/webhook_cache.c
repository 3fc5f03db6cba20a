/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/webhook_cache.h"

#include <stdlib.h>
#include <string.h>

#include "auth/auth.h"
#include "base/age_timer.h"
#include "base/list.h"
#include "base/mem.h"
#include "sse/table.h"
#include "sse/user.h"

/* A user or an access token with all that was answered of it: many credentials may be of one
 * user, and all are to be found, and dropped, in few steps. */
struct owner {
    struct sse_table_node node;
    struct list entries; /* struct tie */
    char name[];         /* "u" and the user's id, or "t" and the token */
};

struct tie {
    struct list node;
    struct owner *owner; /* NULL: none */
    struct entry *entry;
};

struct entry {
    struct sse_table_node node;
    struct list in_order;
    struct auth_result result;
    uint64_t until_ms;
    struct tie user, token;
    char key[];
};

struct auth_webhook_cache {
    struct sse_table entries, owners;
    struct list order; /* the oldest first */
    size_t most;
    uint64_t displaced;
    struct age_timer age;
};

/* The caller frees it. */
static char *name_of(char kind, const char *text)
{
    const size_t size = strlen(text) + 1;
    char *name = mem_alloc(1 + size);

    name[0] = kind;
    memcpy(name + 1, text, size);
    return name;
}

static struct owner *find_owner(const struct auth_webhook_cache *cache, const char *name)
{
    struct sse_table_node *node = sse_table_find(&cache->owners, name);

    return node ? container_of(node, struct owner, node) : NULL;
}

static struct owner *add_owner(struct auth_webhook_cache *cache, const char *name)
{
    const size_t size = strlen(name) + 1;
    struct owner *owner = mem_zalloc(sizeof(*owner) + size);

    memcpy(owner->name, name, size);
    list_init(&owner->entries);
    sse_table_add(&cache->owners, &owner->node);
    return owner;
}

static void bind(struct auth_webhook_cache *cache, struct entry *entry, struct tie *tie, char kind,
                 const char *text)
{
    char *name = name_of(kind, text);

    tie->entry = entry;
    tie->owner = find_owner(cache, name);
    if (!tie->owner)
        tie->owner = add_owner(cache, name);
    list_append(&tie->owner->entries, &tie->node);
    free(name);
}

static void loosen(struct auth_webhook_cache *cache, struct tie *tie)
{
    if (!tie->owner)
        return;
    list_remove(&tie->node);
    if (list_is_empty(&tie->owner->entries)) {
        sse_table_remove(&cache->owners, &tie->owner->node);
        free(tie->owner);
    }
}

static void drop(struct auth_webhook_cache *cache, struct entry *entry)
{
    loosen(cache, &entry->user);
    loosen(cache, &entry->token);
    list_remove(&entry->in_order);
    sse_table_remove(&cache->entries, &entry->node);
    sse_user_unref(entry->result.user);
    free(entry);
}

static struct entry *oldest(const struct auth_webhook_cache *cache)
{
    return list_is_empty(&cache->order) ? NULL
                                        : container_of(cache->order.next, struct entry, in_order);
}

/* They do not end in the order of their coming, since refusals are kept for less: what has ended
 * behind one that has not, waits for that. So none is there for longer than the longest may be. */
static uint64_t end_first(struct age_timer *age, uint64_t now_ms)
{
    struct auth_webhook_cache *cache = container_of(age, struct auth_webhook_cache, age);
    struct entry *entry = oldest(cache);

    if (!entry)
        return AGE_TIMER_NEVER;
    if (entry->until_ms > now_ms)
        return entry->until_ms;
    drop(cache, entry);
    return 0;
}

struct auth_webhook_cache *auth_webhook_cache_new(struct loop *loop, size_t most)
{
    struct auth_webhook_cache *cache = mem_zalloc(sizeof(*cache));

    sse_table_init(&cache->entries, SSE_TABLE_KEY_OFFSET(struct entry, node, key));
    sse_table_init(&cache->owners, SSE_TABLE_KEY_OFFSET(struct owner, node, name));
    list_init(&cache->order);
    age_timer_init(&cache->age, loop, end_first);
    cache->most = most;
    return cache;
}

void auth_webhook_cache_free(struct auth_webhook_cache *cache)
{
    struct list *node;

    if (!cache)
        return;
    while ((node = list_take_first(&cache->order)))
        drop(cache, container_of(node, struct entry, in_order));
    age_timer_release(&cache->age);
    sse_table_release(&cache->entries);
    sse_table_release(&cache->owners);
    free(cache);
}

static struct entry *find(struct auth_webhook_cache *cache, const char *key, uint64_t now_ms)
{
    struct sse_table_node *node = sse_table_find(&cache->entries, key);
    struct entry *entry = node ? container_of(node, struct entry, node) : NULL;

    if (entry && entry->until_ms <= now_ms) {
        drop(cache, entry);
        entry = NULL;
    }
    return entry;
}

const struct auth_result *auth_webhook_cache_find(struct auth_webhook_cache *cache, const char *key,
                                                  uint64_t now_ms)
{
    const struct entry *entry = find(cache, key, now_ms);

    return entry ? &entry->result : NULL;
}

static void make_room(struct auth_webhook_cache *cache, const char *key, uint64_t now_ms)
{
    struct entry *entry = find(cache, key, now_ms);

    if (entry)
        drop(cache, entry);
    age_timer_end_due(&cache->age, now_ms);
    if (cache->entries.count == cache->most) {
        drop(cache, oldest(cache));
        cache->displaced++;
    }
}

void auth_webhook_cache_add(struct auth_webhook_cache *cache, const char *key,
                            const struct auth_result *result, uint64_t now_ms, uint64_t until_ms)
{
    const size_t size = strlen(key) + 1;
    struct entry *entry;

    if (until_ms <= now_ms)
        return;
    make_room(cache, key, now_ms);
    entry = mem_zalloc(sizeof(*entry) + size);
    memcpy(entry->key, key, size);
    entry->result = *result;
    entry->until_ms = until_ms;
    if (result->user) {
        sse_user_ref(result->user);
        bind(cache, entry, &entry->user, 'u', result->user->id);
    }
    if (result->user && result->user->access_token[0] != '\0')
        bind(cache, entry, &entry->token, 't', result->user->access_token);
    list_append(&cache->order, &entry->in_order);
    age_timer_add(&cache->age, until_ms);
    sse_table_add(&cache->entries, &entry->node);
}

static void forget(struct auth_webhook_cache *cache, char kind, const char *text)
{
    char *name = name_of(kind, text);
    struct owner *owner;

    /* With the last of its entries the owner goes. */
    while ((owner = find_owner(cache, name)))
        drop(cache, container_of(owner->entries.next, struct tie, node)->entry);
    free(name);
}

void auth_webhook_cache_forget(struct auth_webhook_cache *cache,
                               const struct auth_revocation *revocation)
{
    if (revocation->user_id)
        forget(cache, 'u', revocation->user_id);
    if (revocation->access_token)
        forget(cache, 't', revocation->access_token);
}

size_t auth_webhook_cache_count(const struct auth_webhook_cache *cache)
{
    return cache->entries.count;
}

uint64_t auth_webhook_cache_displaced(const struct auth_webhook_cache *cache)
{
    return cache->displaced;
}
