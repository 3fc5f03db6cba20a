/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_WHEEL_H
#define BASE_WHEEL_H
/*
 * The hashed wheel that a loop's timers hang on. Time is a count of notches that its owner moves
 * on; it knows no clock. Starting and stopping cost the same whatever hangs there, and firing
 * looks only at the slots that time has passed.
 */
#include <stdint.h>

#include "base/list.h"

#define WHEEL_SLOTS 512u

struct loop_timer;

struct wheel {
    uint64_t served; /* the latest notch whose timers have fired */
    struct list slots[WHEEL_SLOTS];
};

void wheel_init(struct wheel *wheel);
void wheel_release(struct wheel *wheel); /* takes every timer off */

/* Hangs the timer so that it fires at that notch, or at the next one when that has passed. */
void wheel_add(struct wheel *wheel, struct loop_timer *timer, uint64_t notch);

/* Fires what is due up to and including notch, in the order of the notches. Callbacks may start,
 * stop and free any timer, the firing one too. */
void wheel_advance(struct wheel *wheel, uint64_t notch);

#endif
