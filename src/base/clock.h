/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H
/*
 * What time it is, for all that has an age or an end. A test may stop this clock and move it on
 * (base/test_clock.h); what measures work or lateness asks clock_real_ns(), which nobody moves.
 *
 * libcurl, SQLite and OpenSSL read clocks of their own.
 */
#include <stdint.h>
#include <time.h>

#define CLOCK_NS_PER_MS UINT64_C(1000000)

/* What the program is told when that is what the kernel's clocks say: the same, but for tests. */
#ifdef SSE_SERVER_FAULTS
uint64_t test_clock_monotonic_ns(uint64_t real_ns);
int64_t test_clock_wall_ms(int64_t real_ms);
#else
#define test_clock_monotonic_ns(real_ns) (real_ns)
#define test_clock_wall_ms(real_ms)      (real_ms)
#endif

static inline uint64_t clock_kernel_ns(clockid_t id)
{
    struct timespec now;

    (void)clock_gettime(id, &now); /* cannot fail for the two clocks that are used here */
    return (uint64_t)now.tv_sec * 1000u * CLOCK_NS_PER_MS + (uint64_t)now.tv_nsec;
}

/* The kernel's monotonic clock: for what measures how long something took. */
static inline uint64_t clock_real_ns(void)
{
    return clock_kernel_ns(CLOCK_MONOTONIC);
}

/* When so much of the kernel's time has passed, for pthread_cond_clockwait(). */
static inline struct timespec clock_real_in(uint64_t ns)
{
    const uint64_t at_ns = clock_real_ns() + ns;

    return (struct timespec){.tv_sec = (time_t)(at_ns / (1000 * CLOCK_NS_PER_MS)),
                             .tv_nsec = (long)(at_ns % (1000 * CLOCK_NS_PER_MS))};
}

/* Monotonic: never less than any thread has seen before. */
static inline uint64_t clock_monotonic_ns(void)
{
    return test_clock_monotonic_ns(clock_real_ns());
}

/* Milliseconds since 1970. */
static inline int64_t clock_wall_ms(void)
{
    return test_clock_wall_ms((int64_t)(clock_kernel_ns(CLOCK_REALTIME) / CLOCK_NS_PER_MS));
}

/* Seconds since 1970. */
static inline time_t clock_wall_seconds(void)
{
    return (time_t)(clock_wall_ms() / 1000);
}

#endif
