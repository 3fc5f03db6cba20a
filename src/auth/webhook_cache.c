/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/webhook_cache.h"

#include <stdlib.h>
#include <string.h>

#include "auth/auth.h"
#include "base/bytes.h"
#include "base/list.h"
#include "base/lru.h"
#include "base/mem.h"
#include "sse/user.h"
#include "sse/user_key.h"

/* A user's id or an access token with all that was answered of it: many credentials may be of one
 * user, and all are to be found, and dropped, in few steps. */
struct owner {
    struct table_node node;
    struct list entries; /* struct tie; the oldest first */
    size_t count;
    char name[]; /* "u" and a user's id, or "t" and the token */
};

struct tie {
    struct list node;
    struct owner *owner; /* NULL: none */
    struct entry *entry;
};

struct entry {
    struct lru_item item;
    struct auth_result result;
    struct tie user, token;
    char key[];
};

struct auth_webhook_cache {
    struct lru entries; /* the oldest first */
    struct table owners;
    size_t most_of_user;
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
    return table_find(&cache->owners, name);
}

static struct owner *add_owner(struct auth_webhook_cache *cache, const char *name)
{
    struct owner *owner = table_new_item(&cache->owners, name);

    list_init(&owner->entries);
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
    tie->owner->count++;
    free(name);
}

static void loosen(struct auth_webhook_cache *cache, struct tie *tie)
{
    if (!tie->owner)
        return;
    list_remove(&tie->node);
    tie->owner->count--;
    if (list_is_empty(&tie->owner->entries)) {
        table_remove(&cache->owners, &tie->owner->node);
        free(tie->owner);
    }
}

static void leave(struct lru *lru, void *item)
{
    struct auth_webhook_cache *cache = container_of(lru, struct auth_webhook_cache, entries);
    struct entry *entry = item;

    loosen(cache, &entry->user);
    loosen(cache, &entry->token);
    sse_user_unref(entry->result.user);
    bytes_unref(entry->result.data);
}

/* They do not end in the order of their coming, since refusals are kept for less: what has ended
 * behind one that has not, waits for that. So none is there for longer than the longest may be. */
struct auth_webhook_cache *auth_webhook_cache_new(struct loop *loop, size_t most)
{
    struct auth_webhook_cache *cache = mem_zalloc(sizeof(*cache));

    lru_init(&cache->entries, loop, LRU_BY_TEXT(struct entry, item, key), most);
    cache->entries.leave = leave;
    table_init(&cache->owners, TABLE_BY_TEXT(struct owner, node, name));
    return cache;
}

void auth_webhook_cache_change(struct auth_webhook_cache *cache, size_t most)
{
    cache->entries.most = most;
}

void auth_webhook_cache_bound_users(struct auth_webhook_cache *cache, size_t most)
{
    cache->most_of_user = most;
}

void auth_webhook_cache_forget_all(struct auth_webhook_cache *cache)
{
    lru_clear(&cache->entries);
}

void auth_webhook_cache_free(struct auth_webhook_cache *cache)
{
    if (!cache)
        return;
    lru_release(&cache->entries);
    table_release(&cache->owners);
    free(cache);
}

const struct auth_result *auth_webhook_cache_find(struct auth_webhook_cache *cache, const char *key,
                                                  uint64_t now_ms)
{
    const struct entry *entry = lru_find(&cache->entries, key, now_ms);

    return entry ? &entry->result : NULL;
}

/* Somebody with many credentials pushes out his own. */
static void make_room_of_user(struct auth_webhook_cache *cache, const char *id)
{
    char *name = name_of('u', id);
    const struct owner *owner = find_owner(cache, name);

    if (owner && cache->most_of_user > 0 && owner->count >= cache->most_of_user) {
        lru_drop(&cache->entries,
                 &container_of(owner->entries.next, struct tie, node)->entry->item);
        cache->entries.evicted++;
    }
    free(name);
}

void auth_webhook_cache_add(struct auth_webhook_cache *cache, const char *key,
                            const struct auth_result *result, uint64_t now_ms, uint64_t until_ms)
{
    struct entry *entry = lru_find(&cache->entries, key, now_ms);

    if (until_ms <= now_ms)
        return;
    if (entry)
        lru_drop(&cache->entries, &entry->item);
    if (result->user)
        make_room_of_user(cache, result->user->id);
    entry = lru_add(&cache->entries, key, now_ms, until_ms);
    if (!entry)
        return;
    entry->result = *result;
    if (result->data)
        bytes_ref(result->data);
    if (result->user) {
        sse_user_ref(result->user);
        bind(cache, entry, &entry->user, 'u', result->user->id);
    }
    if (result->user && result->user->access_token[0] != '\0')
        bind(cache, entry, &entry->token, 't', result->user->access_token);
}

/* Of those with that id; the owner goes with the last. */
static void forget_user(struct auth_webhook_cache *cache, const char *key)
{
    char *name = name_of('u', sse_user_key_id(key));
    struct owner *owner = find_owner(cache, name);
    struct list *node = owner ? owner->entries.next : NULL;

    while (node) {
        struct entry *entry = container_of(node, struct tie, node)->entry;

        node = node->next != &owner->entries ? node->next : NULL;
        if (sse_user_is(entry->result.user, key))
            lru_drop(&cache->entries, &entry->item);
    }
    free(name);
}

static void forget_token(struct auth_webhook_cache *cache, const char *token)
{
    char *name = name_of('t', token);
    struct owner *owner;

    /* With the last of its entries the owner goes. */
    while ((owner = find_owner(cache, name)))
        lru_drop(&cache->entries,
                 &container_of(owner->entries.next, struct tie, node)->entry->item);
    free(name);
}

void auth_webhook_cache_forget(struct auth_webhook_cache *cache,
                               const struct auth_revocation *revocation)
{
    if (revocation->user_key)
        forget_user(cache, revocation->user_key);
    if (revocation->access_token)
        forget_token(cache, revocation->access_token);
}

size_t auth_webhook_cache_count(const struct auth_webhook_cache *cache)
{
    return cache->entries.count;
}

uint64_t auth_webhook_cache_displaced(const struct auth_webhook_cache *cache)
{
    return cache->entries.evicted;
}
