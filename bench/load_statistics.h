/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOAD_STATISTICS_H
#define LOAD_STATISTICS_H
/*
 * What is counted while events arrive. One set per thread, merged when the threads have stopped.
 */
#include <stddef.h>
#include <stdint.h>

#define LOAD_HISTOGRAM_STEPS   32u /* per power of two: values are told to 3 % */
#define LOAD_HISTOGRAM_OCTAVES 40u
#define LOAD_HISTOGRAM_BUCKETS ((size_t)LOAD_HISTOGRAM_STEPS * LOAD_HISTOGRAM_OCTAVES)

/* Nanoseconds, up to half an hour. */
struct load_histogram {
    uint64_t counts[LOAD_HISTOGRAM_BUCKETS];
    uint64_t total;
    uint64_t max;
};

struct load_statistics {
    uint64_t duplicated;
    uint64_t disordered;   /* came after one that was published later */
    uint64_t damaged;      /* not the bytes that were published */
    uint64_t stray;        /* meant for another stream, or from an earlier phase */
    uint64_t stalled;      /* events that reached a connection which is not meant to read */
    uint64_t reads;        /* receive calls that returned bytes */
    uint64_t bytes;        /* of TLS records */
    uint64_t last_arrival; /* kernel's time of the latest event */
    struct load_histogram latency;
};

void load_histogram_add(struct load_histogram *histogram, uint64_t nanoseconds);
void load_histogram_merge(struct load_histogram *to, const struct load_histogram *from);

/* The value that this share (0 to 1) of all values does not exceed; 0 when there is none. */
uint64_t load_histogram_quantile(const struct load_histogram *histogram, double share);

double load_histogram_milliseconds(const struct load_histogram *histogram, double share);

void load_statistics_merge(struct load_statistics *to, const struct load_statistics *from);

#endif
