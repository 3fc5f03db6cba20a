/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOAD_MEASURE_H
#define LOAD_MEASURE_H
/*
 * What is measured with: the time, a histogram of durations, and what the kernel says of processes.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/clock.h"

#define LOAD_SECOND (1000 * CLOCK_NS_PER_MS)

/* Nanoseconds since 1970. The wall clock, because the kernel stamps arriving packets with it; a
 * step of the clock during a run spoils its latencies. */
static inline uint64_t load_now(void)
{
    return clock_kernel_ns(CLOCK_REALTIME);
}

#define LOAD_HISTOGRAM_STEPS   32u /* per power of two: values are told to 3 % */
#define LOAD_HISTOGRAM_OCTAVES 40u
#define LOAD_HISTOGRAM_BUCKETS ((size_t)LOAD_HISTOGRAM_STEPS * LOAD_HISTOGRAM_OCTAVES)

/* Nanoseconds, up to half an hour. */
struct load_histogram {
    uint64_t counts[LOAD_HISTOGRAM_BUCKETS];
    uint64_t total;
    uint64_t max;
};

/* Adds the time from one to the other of load_now(); 0 when they are in the wrong order. */
void load_histogram_add(struct load_histogram *histogram, uint64_t began, uint64_t ended);

/* Milliseconds that this share (0 to 1) of all values does not exceed; 0 when there is none. */
double load_histogram_ms(const struct load_histogram *histogram, double share);

/* User and system time of all threads, in microseconds; resolution of a clock tick (10 ms). A
 * process that cannot be read counts as nothing. */
uint64_t load_process_cpu(const pid_t *pids, size_t count);
uint64_t load_process_own_cpu(void); /* of this process, in microseconds */

/* Proportional set size in KiB: memory that only these processes cause. */
uint64_t load_process_pss(const pid_t *pids, size_t count);

#endif
