/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_AGE_TIMER_H
#define BASE_AGE_TIMER_H
/*
 * Ends by the clock what a container keeps for a stated time, whether anybody uses the container or
 * not. One timer for the whole of it, which runs only while something is kept, to the end of what
 * ends first; slices of about a millisecond. What ends is gone about a second later at most, or as
 * many slices as it takes: who must not see it any longer than its time looks at the clock as well.
 */
#include <stdint.h>

#include "base/loop.h"

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
