/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_SLICES_H
#define BASE_SLICES_H
/* Long work in one worker, cut into slices of about a millisecond with the loop's turns between.
 * What is under way at once shares the time of a turn. */
#include <stdbool.h>

#include "base/loop.h"

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

#endif
