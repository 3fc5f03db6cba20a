/* SPDX-License-Identifier: Apache-2.0 */
#include "base/lru.h"

#include <stdlib.h>

#include "base/mem.h"

/* With a bound that was lowered more must leave than come; not thousands at once. */
#define EVICTIONS_PER_ITEM 2u

static void *outer(const struct lru *lru, struct lru_item *item)
{
    return (char *)&item->node - lru->table.layout.node;
}

static struct lru_item *inner(const struct lru *lru, void *item)
{
    struct table_node *node = (void *)((char *)item + lru->table.layout.node);

    return container_of(node, struct lru_item, node);
}

struct lru_item *lru_first(const struct lru *lru)
{
    return list_is_empty(&lru->order) ? NULL
                                      : container_of(lru->order.next, struct lru_item, place);
}

static uint64_t end_first(struct age_timer *age, uint64_t now_ms)
{
    struct lru *lru = container_of(age, struct lru, age);
    struct lru_item *first = lru_first(lru);

    if (!first)
        return AGE_TIMER_NEVER;
    if (first->until_ms > now_ms)
        return first->until_ms;
    lru_drop(lru, first);
    return 0;
}

void lru_init(struct lru *lru, struct loop *loop, struct table_layout by, size_t most)
{
    *lru = (struct lru){.most = most, .most_bytes = SIZE_MAX};
    table_init(&lru->table, by);
    list_init(&lru->order);
    age_timer_init(&lru->age, loop, end_first);
}

void lru_clear(struct lru *lru)
{
    struct lru_item *first;
    void *held;

    while ((first = lru_first(lru)))
        lru_drop(lru, first);
    while ((held = table_first(&lru->table)))
        lru_drop(lru, inner(lru, held));
}

void lru_release(struct lru *lru)
{
    lru_clear(lru);
    age_timer_release(&lru->age);
    table_release(&lru->table);
}

static size_t size_of(const struct lru *lru, const void *item)
{
    return lru->size ? lru->size(item) : 0;
}

void lru_drop(struct lru *lru, struct lru_item *item)
{
    void *whole = outer(lru, item);

    if (list_is_linked(&item->place)) {
        list_remove(&item->place);
        lru->count--;
        lru->bytes -= size_of(lru, whole);
    }
    table_remove(&lru->table, &item->node);
    if (lru->leave)
        lru->leave(lru, whole);
    free(whole);
}

void *lru_find(struct lru *lru, const void *key, uint64_t now_ms)
{
    struct lru_item *item;
    void *whole;

    age_timer_end_due(&lru->age, now_ms);
    whole = table_find(&lru->table, key);
    item = whole ? inner(lru, whole) : NULL;

    if (!item || !list_is_linked(&item->place) || item->until_ms > now_ms)
        return whole;
    lru_drop(lru, item);
    return NULL;
}

void lru_use(struct lru *lru, struct lru_item *item, uint64_t until_ms)
{
    if (list_is_linked(&item->place)) {
        list_remove(&item->place);
    } else {
        lru->count++;
        lru->bytes += size_of(lru, outer(lru, item));
    }
    list_append(&lru->order, &item->place);
    item->until_ms = until_ms;
    if (lru->age.loop)
        age_timer_add(&lru->age, until_ms);
}

void *lru_add_held(struct lru *lru, const void *key)
{
    return table_new_item(&lru->table, key);
}

static void evict(struct lru *lru)
{
    lru->evicted++;
    lru_drop(lru, lru_first(lru));
}

static void make_room(struct lru *lru, uint64_t now_ms)
{
    age_timer_end_due(&lru->age, now_ms);
    for (unsigned i = 0; i < EVICTIONS_PER_ITEM && lru->count > 0 && lru->count >= lru->most; i++)
        evict(lru);
}

void *lru_add(struct lru *lru, const void *key, uint64_t now_ms, uint64_t until_ms)
{
    void *whole;

    if (lru->most == 0)
        return NULL;
    make_room(lru, now_ms);
    whole = lru_add_held(lru, key);
    lru_use(lru, inner(lru, whole), until_ms);
    return whole;
}

void lru_insert(struct lru *lru, struct lru_item *item, uint64_t now_ms, uint64_t until_ms)
{
    make_room(lru, now_ms);
    table_add(&lru->table, &item->node);
    lru_use(lru, item, until_ms);
}

void lru_trim(struct lru *lru)
{
    while (lru->count > lru->most || lru->bytes > lru->most_bytes)
        evict(lru);
}
