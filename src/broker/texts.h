/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_TEXTS_H
#define BROKER_TEXTS_H
/*
 * Different texts, each once. They lie in a few large blocks, so that a set of very many goes from
 * one thread to another, and is freed, by its blocks.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/table.h"

struct text_block;

struct text {
    struct table_node node;
    char text[];
};

struct texts {
    struct table table;
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

size_t texts_count(const struct texts *texts);
void texts_add(struct texts *texts, const char *text); /* "" is not taken */
/* Adds one of another set, which may only be walked through and released from then on, and not
 * before this one. False: there is the same already. */
bool texts_adopt(struct texts *texts, struct text *text);

/* The next of those that were added here; NULL after the last. */
struct text *texts_next(const struct texts *texts, struct text_cursor *cursor);

#endif
