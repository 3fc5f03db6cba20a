/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/local/idempotency.h"

#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/loop.h"
#include "base/mem.h"
#include "broker/message.h"

#define KEEP_MS 300000u

/* A user with keys; lives as long as an entry names it. */
struct user_keys {
    struct table_node node;
    struct list answered; /* its own entries, the oldest answer first */
    uint64_t count;       /* of these, */
    size_t bytes;         /* and their size */
    size_t entries;       /* and all, with those that have no answer yet */
    char user[];
};

struct entry {
    struct lru_item item;
    struct user_keys *user_keys;
    struct list own;     /* in its user_keys's, once it is answered */
    struct list waiting; /* claims, while it is not */
    int status;          /* what the first request got, */
    struct bytes *body;  /* NULL: nothing yet */
    char key[];
};

static void user_keys_unref(struct idempotency *idempotency, struct user_keys *user_keys)
{
    if (--user_keys->entries > 0)
        return;
    table_remove(&idempotency->users, &user_keys->node);
    free(user_keys);
}

static size_t size(const void *item)
{
    return ((const struct entry *)item)->body->length;
}

static void fail(struct idempotency *idempotency, struct engine_claim *claim)
{
    claim->job.status = -ESHUTDOWN;
    idempotency->answer(idempotency, claim);
}

static void leave(struct lru *lru, void *item)
{
    struct idempotency *idempotency = container_of(lru, struct idempotency, entries);
    struct entry *entry = item;
    struct list *node;

    while ((node = list_take_first(&entry->waiting)))
        fail(idempotency, container_of(node, struct engine_claim, node));
    if (list_is_linked(&entry->own)) {
        list_remove(&entry->own);
        entry->user_keys->count--;
        entry->user_keys->bytes -= entry->body->length;
    }
    user_keys_unref(idempotency, entry->user_keys);
    bytes_unref(entry->body);
}

void idempotency_init(struct idempotency *idempotency, struct loop *loop,
                      const struct idempotency_settings *settings,
                      void (*answer)(struct idempotency *idempotency, struct engine_claim *claim))
{
    *idempotency = (struct idempotency){.loop = loop, .settings = *settings, .answer = answer};
    lru_init(&idempotency->entries, loop, LRU_BY_TEXT(struct entry, item, key), SIZE_MAX);
    idempotency->entries.size = size;
    idempotency->entries.leave = leave;
    table_init(&idempotency->users, TABLE_BY_TEXT(struct user_keys, node, user));
}

void idempotency_release(struct idempotency *idempotency)
{
    lru_release(&idempotency->entries);
    table_release(&idempotency->users);
}

static struct user_keys *user_keys_ref(struct idempotency *idempotency, const char *user)
{
    struct user_keys *user_keys = table_find(&idempotency->users, user);

    if (!user_keys) {
        user_keys = table_new_item(&idempotency->users, user);
        list_init(&user_keys->answered);
    }
    user_keys->entries++;
    return user_keys;
}

/* first: what it got is the answer; NULL: this one is the first, and runs. */
static void answer(struct idempotency *idempotency, struct engine_claim *claim,
                   const struct entry *first)
{
    if (first) {
        claim->outcome = first->status;
        claim->body = bytes_ref(first->body);
        idempotency->replayed++;
    }
    idempotency->answer(idempotency, claim);
}

void idempotency_claim(struct idempotency *idempotency, struct engine_claim *claim)
{
    struct entry *entry =
        lru_find(&idempotency->entries, claim->wanted->key, loop_now_ms(idempotency->loop));

    if (!entry) {
        entry = lru_add_held(&idempotency->entries, claim->wanted->key);
        entry->user_keys = user_keys_ref(idempotency, claim->wanted->user);
        list_init(&entry->waiting);
        answer(idempotency, claim, NULL);
    } else if (entry->body) {
        answer(idempotency, claim, entry);
    } else {
        list_append(&entry->waiting, &claim->node);
    }
}

/* Whether somebody has more than one user may, or all have more than all may. */
static bool is_too_much(const struct user_keys *user_keys,
                        const struct idempotency_settings *settings)
{
    return user_keys->count > settings->user_keys || user_keys->bytes > settings->user_bytes ||
           user_keys->bytes > settings->bytes;
}

static bool is_full(const struct lru *entries)
{
    return entries->count > entries->most || entries->bytes > entries->most_bytes;
}

/* The user who brings one more pays for it, with the oldest of its own; who brings its first, with
 * the oldest of all. */
static void make_room(struct idempotency *idempotency, struct user_keys *user_keys)
{
    const struct idempotency_settings *settings = &idempotency->settings;
    struct lru *entries = &idempotency->entries;

    entries->most = settings->keys;
    entries->most_bytes = settings->bytes;
    user_keys->entries++; /* it stays until the end */
    list_for_each_safe(own, after, &user_keys->answered) {
        if (!is_too_much(user_keys, settings) && (!is_full(entries) || user_keys->count == 1))
            break;
        entries->evicted++;
        lru_drop(entries, &container_of(own, struct entry, own)->item);
    }
    lru_trim(entries);
    user_keys_unref(idempotency, user_keys);
}

static void keep(struct idempotency *idempotency, struct entry *entry)
{
    lru_use(&idempotency->entries, &entry->item, loop_now_ms(idempotency->loop) + KEEP_MS);
    list_append(&entry->user_keys->answered, &entry->own);
    entry->user_keys->count++;
    entry->user_keys->bytes += entry->body->length;
    make_room(idempotency, entry->user_keys);
}

void idempotency_settle(struct idempotency *idempotency, const struct broker_outcome *outcome)
{
    struct entry *entry = table_find(&idempotency->entries.table, outcome->key);
    struct list *next;

    if (outcome->body) {
        entry->status = outcome->status;
        entry->body = bytes_ref(outcome->body);
        while ((next = list_take_first(&entry->waiting)))
            answer(idempotency, container_of(next, struct engine_claim, node), entry);
        keep(idempotency, entry);
        return;
    }
    next = list_take_first(&entry->waiting);
    if (next) /* which is the first now */
        answer(idempotency, container_of(next, struct engine_claim, node), NULL);
    else
        lru_drop(&idempotency->entries, &entry->item);
}
