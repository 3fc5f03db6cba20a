/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_RANKING_H
#define API_RANKING_H
/*
 * The first so many of a long row, in order of name, time and id, found without keeping the whole
 * row: a heap with the last of those kept on top. Owns copies of what it keeps.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/heap.h"
#include "sse/connection.h"

struct ranking_entry {
    struct heap_node node;
    int64_t time;
    char id[SSE_HANDLE_SIZE];
    char name[];
};

struct ranking {
    size_t limit;
    size_t count;
    struct heap last; /* of those that have no place yet; the others are behind them */
};

void ranking_init(struct ranking *ranking, size_t limit);
void ranking_release(struct ranking *ranking);

const struct ranking_entry *ranking_at(const struct ranking *ranking, size_t index);

/* Keeps a copy when it belongs to the first so many of what was offered so far. */
void ranking_offer(struct ranking *ranking, const char *name, int64_t time, const char *id);

/* Brings one more entry into its place; true while there is more to do. In the end the entries are
 * in order, and nothing may be offered any more. */
bool ranking_sort_step(struct ranking *ranking);

#endif
