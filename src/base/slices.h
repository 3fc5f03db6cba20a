/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_SLICES_H
#define BASE_SLICES_H
/* Work of a loop that is too long for one of its turns: a turn does about a millisecond of it, and
 * the next one, which does not wait, goes on. */
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/loop.h"

struct slice;

/* ---- side by side: what is under way at once shares the time of a turn ---- */

struct slices {
    struct loop_hook hook;
    struct loop_task task;
    struct loop *loop;
    bool (*step)(struct slices *slices); /* a few microseconds of work; true when there is more */
    bool has_long_steps;                 /* rather a part of a millisecond */
    void (*done)(struct slices *slices); /* once, when there is not; may free what it is part of */
};

/* Begins at once, if the turn has time to spare: short work is done when this returns. */
void slices_start(struct loop *loop, struct slices *slices);

/* ---- one after the other ---- */

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

/*
 * ---- by the clock ----
 *
 * Ends what a container keeps for a stated time, whether the container is used or
 * not. There is one timer for the container. It runs while something is kept, to the end of what
 * ends first, in slices of about a millisecond. What ends is gone about a second later; whoever
 * must not see it for longer than its time checks the clock as well.
 */

#define AGE_TIMER_NEVER UINT64_MAX

struct age_timer {
    struct loop *loop;
    struct loop_timer timer;
    uint64_t due_ms; /* while it runs */
    /* Ends the first one, if it is due, and returns 0. Else returns when that will be due (loop
     * ms), or AGE_TIMER_NEVER when nothing is kept. */
    uint64_t (*end_first)(struct age_timer *timer, uint64_t now_ms);
};

void age_timer_init(struct age_timer *timer, struct loop *loop,
                    uint64_t (*end_first)(struct age_timer *timer, uint64_t now_ms));
void age_timer_release(struct age_timer *timer);

/* Something is kept from now on that ends then (loop ms). */
void age_timer_add(struct age_timer *timer, uint64_t due_ms);

/* Ends all that is due now, for who is about to use what is kept. */
void age_timer_end_due(struct age_timer *timer, uint64_t now_ms);

#endif
