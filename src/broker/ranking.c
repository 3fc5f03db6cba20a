/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/ranking.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"

struct entry {
    struct heap_node node;
    char text[];
};

static struct entry *entry_of(const struct heap_node *node)
{
    return container_of(node, struct entry, node);
}

static bool is_behind(const struct heap_node *one, const struct heap_node *other)
{
    return strcmp(entry_of(one)->text, entry_of(other)->text) > 0;
}

void ranking_init(struct ranking *ranking, size_t limit)
{
    *ranking = (struct ranking){.limit = limit};
    heap_init(&ranking->last, is_behind);
}

bool ranking_shed(struct ranking *ranking)
{
    if (ranking->count == 0)
        return false;
    free(entry_of(ranking->last.nodes[--ranking->count]));
    return true;
}

void ranking_release(struct ranking *ranking)
{
    while (ranking_shed(ranking))
        continue;
    heap_release(&ranking->last);
}

const char *ranking_at(const struct ranking *ranking, size_t index)
{
    return entry_of(ranking->last.nodes[index])->text;
}

static void drop(struct ranking *ranking, struct heap_node *node)
{
    heap_remove(&ranking->last, node);
    free(entry_of(node));
    ranking->count--;
}

bool ranking_may_take(const struct ranking *ranking, const char *beginning)
{
    if (ranking->count < ranking->limit)
        return true;
    return ranking->limit > 0 && strcmp(beginning, entry_of(ranking->last.nodes[0])->text) <= 0;
}

void ranking_offer(struct ranking *ranking, const char *text)
{
    const size_t size = strlen(text) + 1;
    struct entry *entry;

    if (!ranking_may_take(ranking, text))
        return;
    if (ranking->count == ranking->limit)
        drop(ranking, ranking->last.nodes[0]);
    entry = mem_alloc(sizeof(*entry) + size);
    memcpy(entry->text, text, size);
    heap_add(&ranking->last, &entry->node);
    ranking->count++;
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
