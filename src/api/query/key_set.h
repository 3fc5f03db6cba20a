/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_KEY_SET_H
#define API_KEY_SET_H
/* Different texts: those of one worker's connections, and the union of all workers' sets. */
#include <stdbool.h>
#include <stddef.h>

#include "api/query/slices.h"
#include "base/table.h"

struct sse_connection;

struct key_set {
    struct table table;
    void *leaving; /* the next to be freed, once it is being released */
};

void key_set_init(struct key_set *set);
void key_set_release(struct key_set *set);
void key_set_add(struct key_set *set, const char *text); /* "" is not taken */
void key_set_add_channels(struct key_set *set, const struct sse_connection *connection);
size_t key_set_count(const struct key_set *set);

/* Where a walk stands; zero-filled before the first key. The set must not change meanwhile. */
struct key_cursor {
    const void *key;
};

/* The next key, NULL after the last. */
const char *key_set_next(const struct key_set *set, struct key_cursor *cursor);

/* Adds the keys of sets[1 …] to sets[0], in slices. sets is lent. */
struct key_union {
    struct slices slices;
    struct key_set **sets;
    size_t count;
    size_t index;
    struct key_cursor cursor;
    void (*done)(struct key_union *join);
};

void key_union_start(struct loop *loop, struct key_union *join, struct key_set **sets,
                     size_t count);

/* Releases all its sets, in slices too, and calls done again. */
void key_union_release(struct loop *loop, struct key_union *join);

#endif
