/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "auth/auth.h"
#include "auth/webhook.h"
#include "base/buf.h"
#include "base/list.h"
#include "base/mem.h"
#include "sse/user.h"

/* A user's id or an access token with all that was answered of it: many credentials may be of one
 * user, and all are to be found, and dropped, in few steps. */
struct owner {
    struct table_node node;
    struct list entries; /* struct tie; the oldest first */
    size_t count;
    char name[];
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

static void bind(struct table *owners, const char *name, struct entry *entry, struct tie *tie)
{
    tie->entry = entry;
    tie->owner = table_find(owners, name);
    if (!tie->owner) {
        tie->owner = table_new_item(owners, name);
        list_init(&tie->owner->entries);
    }
    list_append(&tie->owner->entries, &tie->node);
    tie->owner->count++;
}

static void loosen(struct table *owners, struct tie *tie)
{
    if (!tie->owner)
        return;
    list_remove(&tie->node);
    tie->owner->count--;
    if (list_is_empty(&tie->owner->entries)) {
        table_remove(owners, &tie->owner->node);
        free(tie->owner);
    }
}

static struct entry *oldest_of(const struct owner *owner)
{
    return container_of(owner->entries.next, struct tie, node)->entry;
}

static void leave(struct lru *lru, void *item)
{
    struct auth_webhook_cache *cache = container_of(lru, struct auth_webhook_cache, entries);
    struct entry *entry = item;

    loosen(&cache->users, &entry->user);
    loosen(&cache->tokens, &entry->token);
    sse_user_unref(entry->result.user);
    bytes_unref(entry->result.data);
}

/* They do not end in the order of their coming, since refusals are kept for less: what has ended
 * behind one that has not, waits for that. So none is there for longer than the longest may be. */
void auth_webhook_cache_init(struct auth_webhook_cache *cache, struct loop *loop, size_t most)
{
    lru_init(&cache->entries, loop, LRU_BY_TEXT(struct entry, item, key), most);
    cache->entries.leave = leave;
    table_init(&cache->users, TABLE_BY_TEXT(struct owner, node, name));
    table_init(&cache->tokens, TABLE_BY_TEXT(struct owner, node, name));
}

void auth_webhook_cache_release(struct auth_webhook_cache *cache)
{
    lru_release(&cache->entries);
    table_release(&cache->users);
    table_release(&cache->tokens);
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
    const struct owner *owner = table_find(&cache->users, id);

    if (!owner || cache->most_of_user == 0 || owner->count < cache->most_of_user)
        return;
    lru_drop(&cache->entries, &oldest_of(owner)->item);
    cache->entries.evicted++;
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
        bind(&cache->users, result->user->id, entry, &entry->user);
    }
    if (result->user && result->user->access_token[0] != '\0')
        bind(&cache->tokens, result->user->access_token, entry, &entry->token);
}

/* Of those with that id; the owner goes with the last. */
static void forget_user(struct auth_webhook_cache *cache, const char *key)
{
    struct owner *owner = table_find(&cache->users, sse_user_key_id(key));
    struct list *node = owner ? owner->entries.next : NULL;

    while (node) {
        struct entry *entry = container_of(node, struct tie, node)->entry;

        node = node->next != &owner->entries ? node->next : NULL;
        if (sse_user_is(entry->result.user, key))
            lru_drop(&cache->entries, &entry->item);
    }
}

void auth_webhook_cache_forget(struct auth_webhook_cache *cache,
                               const struct auth_revocation *revocation)
{
    const struct owner *owner;

    if (revocation->user_key)
        forget_user(cache, revocation->user_key);
    /* With the last of its entries the owner goes. */
    while (revocation->access_token &&
           (owner = table_find(&cache->tokens, revocation->access_token)))
        lru_drop(&cache->entries, &oldest_of(owner)->item);
}
