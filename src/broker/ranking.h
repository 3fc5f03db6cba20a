/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_RANKING_H
#define BROKER_RANKING_H
/*
 * The first so many of very many texts, in their order, found without keeping the others: a heap
 * with the last of those kept on top. Owns copies of what it keeps.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/heap.h"

struct ranking {
    size_t limit;
    size_t count;
    struct heap last; /* of those that have no place yet; the others are behind them */
};

void ranking_init(struct ranking *ranking, size_t limit);
void ranking_release(struct ranking *ranking);

const char *ranking_at(const struct ranking *ranking, size_t index);

/* Whether a text that begins like this may belong to the first so many of what was offered so far.
 */
bool ranking_may_take(const struct ranking *ranking, const char *beginning);
/* Keeps a copy when it belongs to the first so many of what was offered so far. */
void ranking_offer(struct ranking *ranking, const char *text);

/* Brings one more text into its place; true while there is more to do. In the end the texts are in
 * order, and nothing may be offered any more. */
bool ranking_sort_step(struct ranking *ranking);

/* Frees the text at the end; false when there is none. Nothing but that may follow. */
bool ranking_shed(struct ranking *ranking);

#endif
