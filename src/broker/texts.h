/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_TEXTS_H
#define BROKER_TEXTS_H
/*
 * What queries gather of very many texts.
 *
 * texts: different ones, each once. They lie in a few large blocks, so that a set of very many goes
 * from one thread to another, and is freed, by its blocks.
 *
 * ranking: the first so many, in their order, found without keeping the others: a heap with the
 * last of those kept on top. Owns copies of what it keeps.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/heap.h"
#include "base/table.h"

struct text_block;

struct text {
    struct table_node node;
    char text[];
};

struct texts {
    struct table table; /* its count is theirs */
    struct text_block *first, *last;
};

/* Where a walk stands; zero-filled before the first text. */
struct text_cursor {
    struct text_block *block;
    size_t at; /* in it */
};

void texts_init(struct texts *texts);
void texts_release(struct texts *texts);
/* Frees a block; false when there is none. Nothing but that, and the release, may follow. */
bool texts_shed(struct texts *texts);

void texts_add(struct texts *texts, const char *text); /* "" is not taken */
/* Adds one of another set, which may only be walked through and released from then on, and not
 * before this one. False: there is the same already. */
bool texts_adopt(struct texts *texts, struct text *text);

/* The next of those that were added here; NULL after the last. */
struct text *texts_next(const struct texts *texts, struct text_cursor *cursor);

/* ---- the first so many ---- */

struct ranking {
    bool is_descending;
    size_t limit;
    size_t count;
    struct heap last; /* of those that have no place yet; the others are behind them */
};

/* is_descending: the last texts come first. */
void ranking_init(struct ranking *ranking, size_t limit, bool is_descending);
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
