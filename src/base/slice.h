/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H
/*
 * What a turn of a loop may spend on one kind of work: so many units of it at the most, and about
 * so much time, whichever ends first. The clock is checked between some units only.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

/* What one kind of work may take of a turn, where nothing else is said. */
#define SLICE_NS CLOCK_NS_PER_MS

struct slice {
    uint64_t ends_ns;   /* by clock_real_ns() */
    uint32_t left;      /* units */
    uint32_t per_check; /* units between two checks of the clock, */
    uint32_t unchecked; /* and since the latest */
};

/* now_ns 0: it begins with slice_resume(). */
static inline struct slice slice_from(uint64_t now_ns, uint64_t ns, uint32_t most,
                                      uint32_t per_check)
{
    return (struct slice){now_ns + ns, most, per_check, 0};
}

static inline struct slice slice_new(uint64_t ns, uint32_t most, uint32_t per_check)
{
    return slice_from(clock_real_ns(), ns, most, per_check);
}

/* No time of it passes until it is resumed. */
static inline void slice_pause(struct slice *slice)
{
    const uint64_t now_ns = clock_real_ns();

    if (now_ns >= slice->ends_ns)
        slice->left = 0;
    slice->ends_ns -= now_ns;
}

static inline void slice_resume(struct slice *slice)
{
    slice->ends_ns += clock_real_ns();
}

/* Goes on until all is done. */
static inline struct slice slice_without_end(void)
{
    return (struct slice){UINT64_MAX, UINT32_MAX, UINT32_MAX, 0};
}

static inline bool slice_is_over(const struct slice *slice)
{
    return slice->left == 0;
}

/* So many units are done. False when the slice is over. */
static inline bool slice_spend_many(struct slice *slice, uint32_t units)
{
    slice->left -= units < slice->left ? units : slice->left;
    slice->unchecked += units;
    if (slice->unchecked >= slice->per_check) {
        slice->unchecked = 0;
        if (clock_real_ns() >= slice->ends_ns)
            slice->left = 0;
    }
    return slice->left > 0;
}

static inline bool slice_spend(struct slice *slice)
{
    return slice_spend_many(slice, 1);
}

#endif
