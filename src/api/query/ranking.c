/* SPDX-License-Identifier: Apache-2.0 */
#include "api/query/ranking.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define FIRST_CAPACITY 64u

static int compare(const struct ranking_entry *a, const struct ranking_entry *b)
{
    int order = strcmp(a->name, b->name);

    if (order != 0)
        return order;
    if (a->time != b->time)
        return a->time < b->time ? -1 : 1;
    return strcmp(a->id, b->id);
}

static void swap(struct ranking_entry *a, struct ranking_entry *b)
{
    struct ranking_entry kept = *a;

    *a = *b;
    *b = kept;
}

static void sift_up(struct ranking_entry *heap, size_t at)
{
    while (at > 0 && compare(&heap[(at - 1) / 2], &heap[at]) < 0) {
        swap(&heap[(at - 1) / 2], &heap[at]);
        at = (at - 1) / 2;
    }
}

static void sift_down(struct ranking_entry *heap, size_t count, size_t at)
{
    for (;;) {
        size_t child = 2 * at + 1;

        if (child >= count)
            return;
        if (child + 1 < count && compare(&heap[child], &heap[child + 1]) < 0)
            child++;
        if (compare(&heap[at], &heap[child]) >= 0)
            return;
        swap(&heap[at], &heap[child]);
        at = child;
    }
}

void ranking_init(struct ranking *ranking, size_t limit)
{
    *ranking = (struct ranking){.limit = limit};
}

void ranking_release(struct ranking *ranking)
{
    for (size_t i = 0; i < ranking->count; i++)
        free(ranking->entries[i].name);
    free(ranking->entries);
    *ranking = (struct ranking){.limit = 0};
}

static struct ranking_entry *append(struct ranking *ranking)
{
    if (ranking->count == ranking->capacity) {
        ranking->capacity = ranking->capacity > 0 ? 2 * ranking->capacity : FIRST_CAPACITY;
        ranking->entries =
            mem_realloc(ranking->entries, ranking->capacity * sizeof(ranking->entries[0]));
    }
    return &ranking->entries[ranking->count++];
}

static void fill(struct ranking_entry *entry, const struct ranking_entry *with)
{
    *entry = *with;
    entry->name = mem_strdup(with->name);
}

void ranking_offer(struct ranking *ranking, const char *name, int64_t time, const char *id)
{
    /* Only looked at; a copy is made of what is kept. */
    struct ranking_entry offered = {.name = (char *)(uintptr_t)name, .time = time};

    snprintf(offered.id, sizeof(offered.id), "%s", id);
    if (ranking->count < ranking->limit) {
        fill(append(ranking), &offered);
        sift_up(ranking->entries, ranking->count - 1);
        return;
    }
    if (ranking->limit == 0 || compare(&offered, &ranking->entries[0]) >= 0)
        return;
    free(ranking->entries[0].name);
    fill(&ranking->entries[0], &offered);
    sift_down(ranking->entries, ranking->count, 0);
}

bool ranking_sort_step(struct ranking *ranking)
{
    size_t open = ranking->count - ranking->sorted;

    if (open <= 1)
        return false;
    swap(&ranking->entries[0], &ranking->entries[open - 1]);
    ranking->sorted++;
    sift_down(ranking->entries, open - 1, 0);
    return open > 2;
}
