/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/idempotency.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "base/loop.h"
#include "base/mem.h"
#include "broker/broker.h"

#define KEEP_MS 300000u

/* What the first request got. */
struct outcome {
    int status;
    struct bytes *body; /* NULL: nothing yet */
};

/* A claim that waits for the first to be settled. */
struct waiting {
    struct list node;
    struct broker_asker asker;
};

/* A user with keys; lives as long as an entry names it. */
struct holder {
    struct table_node node;
    struct list answered; /* its own entries, the oldest answer first */
    uint64_t count;       /* of these, */
    size_t bytes;         /* and their size */
    size_t entries;       /* and all, with those that have no answer yet */
    char user[];
};

struct entry {
    struct lru_item item;
    struct holder *holder;
    struct list own;        /* in its holder's, once it is answered */
    struct list waiting;    /* claims, while it is not */
    struct outcome outcome; /* without a body while there is none */
    char key[];
};

static void holder_unref(struct idempotency *idempotency, struct holder *holder)
{
    if (--holder->entries > 0)
        return;
    table_remove(&idempotency->holders, &holder->node);
    free(holder);
}

static size_t size(const void *item)
{
    return ((const struct entry *)item)->outcome.body->length;
}

static void leave(struct lru *lru, void *item)
{
    struct idempotency *idempotency = container_of(lru, struct idempotency, entries);
    struct entry *entry = item;

    list_for_each_safe(node, after, &entry->waiting)
        free(container_of(node, struct waiting, node));
    if (list_is_linked(&entry->own)) {
        list_remove(&entry->own);
        entry->holder->count--;
        entry->holder->bytes -= entry->outcome.body->length;
    }
    holder_unref(idempotency, entry->holder);
    bytes_unref(entry->outcome.body);
}

void idempotency_init(struct idempotency *idempotency, struct broker *broker, struct loop *loop,
                      const struct idempotency_settings *settings)
{
    *idempotency = (struct idempotency){.broker = broker, .loop = loop, .settings = *settings};
    lru_init(&idempotency->entries, loop, LRU_BY_TEXT(struct entry, item, key), SIZE_MAX);
    idempotency->entries.size = size;
    idempotency->entries.leave = leave;
    table_init(&idempotency->holders, TABLE_BY_TEXT(struct holder, node, user));
}

void idempotency_release(struct idempotency *idempotency)
{
    lru_release(&idempotency->entries);
    table_release(&idempotency->holders);
}

static struct holder *holder_ref(struct idempotency *idempotency, const char *user)
{
    struct holder *holder = table_find(&idempotency->holders, user);

    if (!holder) {
        holder = table_new_item(&idempotency->holders, user);
        list_init(&holder->answered);
    }
    holder->entries++;
    return holder;
}

static void add(struct idempotency *idempotency, const char *user, const char *key)
{
    struct entry *entry = lru_add_held(&idempotency->entries, key);

    entry->holder = holder_ref(idempotency, user);
    list_init(&entry->waiting);
}

/* outcome: of the first; NULL: this one is the first, and runs. */
static void answer(struct idempotency *idempotency, const struct broker_asker *asker,
                   const struct outcome *outcome)
{
    struct broker_message *message = broker_message_new(BROKER_CLAIMED, asker->service, 0);

    if (outcome) {
        message->outcome.status = outcome->status;
        message->outcome.body = bytes_ref(outcome->body);
        idempotency->replayed++;
    }
    broker_answer(idempotency->broker, asker, message);
}

static void wait_for_first(struct entry *entry, const struct broker_asker *asker)
{
    struct waiting *waiting = mem_zalloc(sizeof(*waiting));

    waiting->asker = *asker;
    list_append(&entry->waiting, &waiting->node);
}

void idempotency_claim(struct idempotency *idempotency, const struct broker_message *claim)
{
    const struct broker_asker asker = broker_asker(claim);
    struct entry *entry =
        lru_find(&idempotency->entries, claim->claim.key, loop_now_ms(idempotency->loop));

    if (!entry) {
        add(idempotency, claim->claim.user, claim->claim.key);
        answer(idempotency, &asker, NULL);
    } else if (entry->outcome.body) {
        answer(idempotency, &asker, &entry->outcome);
    } else {
        wait_for_first(entry, &asker);
    }
}

static void let_go(struct idempotency *idempotency, struct list *node,
                   const struct outcome *outcome)
{
    struct waiting *waiting = container_of(node, struct waiting, node);

    answer(idempotency, &waiting->asker, outcome);
    free(waiting);
}

static void let_all_go(struct idempotency *idempotency, struct entry *entry)
{
    struct list all;

    list_take_all(&all, &entry->waiting);
    list_for_each_safe(node, after, &all)
        let_go(idempotency, node, &entry->outcome);
}

/* Whether somebody has more than one user may, or all have more than all may. */
static bool is_too_much(const struct holder *holder, const struct idempotency_settings *settings)
{
    return holder->count > settings->user_keys || holder->bytes > settings->user_bytes ||
           holder->bytes > settings->bytes;
}

static bool is_full(const struct lru *entries)
{
    return entries->count > entries->most || entries->bytes > entries->most_bytes;
}

/* The user who brings one more pays for it, with the oldest of its own; who brings its first, with
 * the oldest of all. */
static void make_room(struct idempotency *idempotency, struct holder *holder)
{
    const struct idempotency_settings *settings = &idempotency->settings;
    struct lru *entries = &idempotency->entries;

    entries->most = settings->keys;
    entries->most_bytes = settings->bytes;
    holder->entries++; /* it stays until the end */
    list_for_each_safe(own, after, &holder->answered) {
        if (!is_too_much(holder, settings) && (!is_full(entries) || holder->count == 1))
            break;
        entries->evicted++;
        lru_drop(entries, &container_of(own, struct entry, own)->item);
    }
    lru_trim(entries);
    holder_unref(idempotency, holder);
}

static void keep(struct idempotency *idempotency, struct entry *entry)
{
    lru_use(&idempotency->entries, &entry->item, loop_now_ms(idempotency->loop) + KEEP_MS);
    list_append(&entry->holder->answered, &entry->own);
    entry->holder->count++;
    entry->holder->bytes += entry->outcome.body->length;
    make_room(idempotency, entry->holder);
}

void idempotency_settle(struct idempotency *idempotency, const struct broker_message *settlement)
{
    const struct broker_outcome *outcome = &settlement->outcome;
    struct entry *entry = table_find(&idempotency->entries.table, outcome->key);
    struct list *next;

    if (outcome->body) {
        entry->outcome = (struct outcome){outcome->status, bytes_ref(outcome->body)};
        let_all_go(idempotency, entry);
        keep(idempotency, entry);
        return;
    }
    next = list_take_first(&entry->waiting);
    if (next)
        let_go(idempotency, next, NULL); /* which is the first now */
    else
        lru_drop(&idempotency->entries, &entry->item);
}
