/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_TEXTS_H
#define BROKER_TEXTS_H
/*
 * What queries gather of very many texts: different ones, each once, with a name, and how often it
 * came. They lie in a few large blocks, so that a set of very many goes from one thread to another,
 * and is freed, by its blocks.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/table.h"

struct text_block;

struct text {
    struct table_node node;
    uint32_t count : 31;
    uint32_t is_double : 1; /* another set has counted it, too */
    char text[];            /* and its name behind it */
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

/* So many more times; 0: but the text is there. "" is not taken. */
void texts_add(struct texts *texts, const char *text, const char *name, uint32_t times);
const char *text_name(const struct text *text); /* what it was first added with */
/* Adds one of another set, which may only be walked through and released from then on, and not
 * before this one. */
void texts_adopt(struct texts *texts, struct text *text);

/* The next of those that were added here; NULL after the last. */
struct text *texts_next(const struct texts *texts, struct text_cursor *cursor);

#endif
