/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_LRU_H
#define BASE_LRU_H
/*
 * A bounded cache. Items are found by their key (base/table.h) and stand in an order. The first
 * one leaves when there are too many, or when its time is over. If a user of an item puts it last,
 * the first is the one that was not used for longest; otherwise it is the oldest.
 *
 * Items are on the heap, and the cache frees them. Of one thread.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/slices.h"
#include "base/table.h"

#define LRU_NEVER AGE_TIMER_NEVER

/* Embed it in the items; 40 bytes. */
struct lru_item {
    struct table_node node;
    struct list place; /* in the order; not linked while the item is held */
    uint64_t until_ms; /* it leaves then, or when those before it have left; LRU_NEVER */
};

struct lru {
    struct table table;
    struct list order; /* the next to leave comes first */
    size_t count;      /* of it: those that are held do not count */
    size_t bytes;      /* the same */
    /* Bounds, to be changed at any time: what is above a new one leaves with the next that come, or
     * by lru_trim(). most 0: nothing is kept. */
    size_t most, most_bytes;
    uint64_t evicted; /* for want of room, since the start */
    struct age_timer age;
    /* To be set behind lru_init() where they are needed. The size of an item, which must not change
     * while it is in the order; NULL: they have none. */
    size_t (*size)(const void *item);
    /* An item leaves, whyever: it is found no more, and freed when this returns. */
    void (*leave)(struct lru *lru, void *item);
};

/* by: where the items have their struct lru_item and their key, as in base/table.h. */
/* NOLINTBEGIN(bugprone-macro-parentheses): item names a member */
#define LRU_BY_TEXT(type, item, key)  TABLE_BY_TEXT(type, item.node, key)
#define LRU_BY_VALUE(type, item, key) TABLE_BY_VALUE(type, item.node, key)
/* NOLINTEND(bugprone-macro-parentheses) */

/* loop: for what ends; NULL: nothing does but when it is looked for. */
void lru_init(struct lru *lru, struct loop *loop, struct table_layout by, size_t most);
void lru_release(struct lru *lru); /* all leave, in their order */
void lru_clear(struct lru *lru);   /* the same, and others may come */

/* NULL: there is none, or its time was over before now. A key is as in table_find(). */
void *lru_find(struct lru *lru, const void *key, uint64_t now_ms);

/* A zero-filled item with this key, which is not there yet, comes last. Others may leave for it.
 * NULL: nothing is kept. */
void *lru_add(struct lru *lru, const void *key, uint64_t now_ms, uint64_t until_ms);

/* The same for an item that the caller has allocated and filled in. Takes it over. */
void lru_insert(struct lru *lru, struct lru_item *item, uint64_t now_ms, uint64_t until_ms);

/* The item comes last. One that was held counts from now on, and evicts nobody. */
void lru_use(struct lru *lru, struct lru_item *item, uint64_t until_ms);

/* Adds an item that is held: it is found, and leaves only when it is dropped. */
void *lru_add_held(struct lru *lru, const void *key);

void lru_drop(struct lru *lru, struct lru_item *item);

/* The next to leave; NULL: there is none. */
struct lru_item *lru_first(const struct lru *lru);

/* Evicts until the bounds hold. */
void lru_trim(struct lru *lru);

#endif
