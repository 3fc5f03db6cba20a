/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_WHEEL_H
#define BASE_WHEEL_H
/*
 * The hashed wheel that a loop's timers hang on. Time is a count of ticks that its owner moves
 * on; it knows no clock. Starting and stopping cost the same whatever hangs there. Each slot knows
 * a tick before which nothing in it is due, so that finding the next timer looks into few slots.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

#define WHEEL_SLOTS 512u
#define WHEEL_NEVER UINT64_MAX

struct loop_timer;
struct slice;

struct wheel {
    uint64_t served; /* the latest tick that has come; its timers have fired, or are due */
    struct list due;
    struct list slots[WHEEL_SLOTS];
    uint64_t first[WHEEL_SLOTS]; /* no timer of the slot expires before it */
};

void wheel_init(struct wheel *wheel);
void wheel_release(struct wheel *wheel); /* takes every timer off */

/* Hangs the timer so that it fires at that tick, or at the next one when that has passed. */
void wheel_add(struct wheel *wheel, struct loop_timer *timer, uint64_t tick);

/* Fires what is due up to and including tick, in the order of the ticks, a unit of the slice
 * each. False when the slice was over before: what is left fires with the next call. Callbacks may
 * start, stop and free any timer, the firing one too. */
bool wheel_advance(struct wheel *wheel, uint64_t tick, struct slice *slice);

/* The tick of the next timer; WHEEL_NEVER: there is none. That of one which is due has passed. */
uint64_t wheel_next(struct wheel *wheel);

#endif
