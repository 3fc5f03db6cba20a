/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_CHORES_H
#define BASE_CHORES_H
/*
 * Work of a loop that is too long for one of its turns: a turn does a millisecond of it, and the
 * next one, which does not wait, goes on. One chore after the other.
 */
#include <stdbool.h>

#include "base/list.h"
#include "base/loop.h"

struct slice;

/* Embed it in what is to be done. */
struct chore {
    struct list node;
    /* Goes on until the slice is over. True: all is done, and the chore may be gone. May add
     * others. */
    bool (*step)(struct chore *chore, struct slice *slice);
};

struct chores {
    struct loop *loop;
    struct loop_hook hook; /* of the loop, while there are any */
    struct list list;
};

void chores_init(struct chores *chores, struct loop *loop);
void chores_release(struct chores *chores); /* those that are left are forgotten */

/* Behind the others, but not in this call; one that is there already stays where it is. */
void chores_add(struct chores *chores, struct chore *chore);

static inline bool chores_are_done(const struct chores *chores)
{
    return list_is_empty(&chores->list);
}

#endif
