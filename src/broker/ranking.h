/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_RANKING_H
#define BROKER_RANKING_H
/*
 * Of very many rows, texts in the order of a list, the first so many behind a given one, found
 * without keeping the others: a heap with the last of those kept on top. Or so many of them by
 * chance, each with the same chance, which tell about where in the list a row is. Owns copies of
 * what it keeps.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/heap.h"

struct ranking_choice {
    size_t limit;
    bool is_descending; /* the last texts come first */
    bool is_sample;     /* any rows, by chance, and not the first; in no order */
    /* Only those behind this row, and not behind that one; both are borrowed. NULL: any. */
    const char *after, *until;
};

struct ranking {
    struct ranking_choice choice;
    size_t count;
    size_t before;    /* rows that were offered and are not behind choice.after, */
    size_t between;   /* and that are, and not behind choice.until */
    uint64_t chance;  /* of the next of a sample */
    struct heap last; /* of those that have no place yet; the others are behind them */
};

void ranking_init(struct ranking *ranking, const struct ranking_choice *choice);
void ranking_release(struct ranking *ranking);

const char *ranking_at(const struct ranking *ranking, size_t index);

/* Whether a row that begins like this may be kept, or counts as one before. */
bool ranking_may_take(const struct ranking *ranking, const char *beginning);
/* Keeps a copy when it belongs to the first so many of what was offered so far. */
void ranking_offer(struct ranking *ranking, const char *text);
/* Moves one of another with the same choice here, if it belongs to the first of both, else frees
 * it; false when that has none any more. */
bool ranking_take(struct ranking *ranking, struct ranking *from);

/* Brings one more row into its place; true while there is more to do. In the end the rows are in
 * order, and nothing may be offered any more. */
bool ranking_sort_step(struct ranking *ranking);

/* Frees the row at the end; false when there is none. Nothing but that may follow. */
bool ranking_shed(struct ranking *ranking);

#endif
