/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H
/*
 * How long something took, each time: counts by bounds that are the same for all, from 100 µs to
 * 10 s, so that those of several threads can be added. One thread writes; zero-filled is empty.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

struct buf;

#define HISTOGRAM_BOUNDS 16u

struct histogram {
    uint64_t counts[HISTOGRAM_BOUNDS + 1]; /* by bound, each once; the last took longer than all */
    uint64_t sum_us;
};

void histogram_add_us(struct histogram *histogram, uint64_t us);

/* What began then, by clock_real_ns(), has just ended. */
static inline void histogram_add_since(struct histogram *histogram, uint64_t began_ns)
{
    histogram_add_us(histogram, (clock_real_ns() - began_ns) / 1000);
}

void histogram_merge(struct histogram *to, const struct histogram *from);

/* Appends its samples in the Prometheus text format, without the lines of HELP and TYPE. labels:
 * such as worker="0"; not empty. */
void histogram_append(const struct histogram *histogram, struct buf *text, const char *name,
                      const char *labels);

#endif
