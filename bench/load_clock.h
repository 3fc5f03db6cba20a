/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOAD_CLOCK_H
#define LOAD_CLOCK_H
/*
 * Nanoseconds since 1970. The wall clock, because the kernel stamps arriving packets with it; a
 * step of the clock during a run spoils its latencies.
 */
#include <stdint.h>
#include <time.h>

#define LOAD_SECOND      1000000000ull
#define LOAD_MILLISECOND 1000000ull

static inline uint64_t load_now(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * LOAD_SECOND + (uint64_t)now.tv_nsec;
}

#endif
