/* SPDX-License-Identifier: Apache-2.0 */
#include "api/query/ranking.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"

static struct ranking_entry *entry_of(const struct heap_node *node)
{
    return container_of(node, struct ranking_entry, node);
}

static int compare(const struct ranking_entry *entry, const char *name, int64_t time,
                   const char *id)
{
    int order = strcmp(entry->name, name);

    if (order != 0)
        return order;
    if (entry->time != time)
        return entry->time < time ? -1 : 1;
    return strcmp(entry->id, id);
}

static bool is_behind(const struct heap_node *one, const struct heap_node *other)
{
    const struct ranking_entry *entry = entry_of(other);

    return compare(entry_of(one), entry->name, entry->time, entry->id) > 0;
}

void ranking_init(struct ranking *ranking, size_t limit)
{
    *ranking = (struct ranking){.limit = limit};
    heap_init(&ranking->last, is_behind);
}

void ranking_release(struct ranking *ranking)
{
    for (size_t i = 0; i < ranking->count; i++)
        free(entry_of(ranking->last.nodes[i]));
    heap_release(&ranking->last);
    ranking_init(ranking, 0);
}

const struct ranking_entry *ranking_at(const struct ranking *ranking, size_t index)
{
    return entry_of(ranking->last.nodes[index]);
}

static void add(struct ranking *ranking, const char *name, int64_t time, const char *id)
{
    const size_t size = strlen(name) + 1;
    struct ranking_entry *entry = mem_alloc(sizeof(*entry) + size);

    entry->time = time;
    snprintf(entry->id, sizeof(entry->id), "%s", id);
    memcpy(entry->name, name, size);
    heap_add(&ranking->last, &entry->node);
    ranking->count++;
}

static void drop(struct ranking *ranking, struct ranking_entry *entry)
{
    heap_remove(&ranking->last, &entry->node);
    free(entry);
    ranking->count--;
}

void ranking_offer(struct ranking *ranking, const char *name, int64_t time, const char *id)
{
    struct ranking_entry *last;

    if (ranking->limit == 0)
        return;
    if (ranking->count == ranking->limit) {
        last = entry_of(ranking->last.nodes[0]);
        if (compare(last, name, time, id) <= 0)
            return;
        drop(ranking, last);
    }
    add(ranking, name, time, id);
}

bool ranking_sort_step(struct ranking *ranking)
{
    struct heap_node *last = heap_first(&ranking->last);

    if (ranking->last.count <= 1)
        return false;
    heap_remove(&ranking->last, last);
    ranking->last.nodes[ranking->last.count] = last;
    return ranking->last.count > 1;
}
