/* SPDX-License-Identifier: Apache-2.0 */
#include "load_statistics.h"

#define STEP_BITS 5u

/* Small values have a bucket each; from then on every octave has LOAD_HISTOGRAM_STEPS of them. */
static size_t bucket_of(uint64_t value)
{
    unsigned octave;
    size_t bucket;

    if (value < LOAD_HISTOGRAM_STEPS)
        return (size_t)value;
    octave = 63u - (unsigned)__builtin_clzll(value) - STEP_BITS;
    bucket = (size_t)(octave + 1) * LOAD_HISTOGRAM_STEPS +
             (size_t)((value >> octave) & (LOAD_HISTOGRAM_STEPS - 1));
    return bucket < LOAD_HISTOGRAM_BUCKETS ? bucket : LOAD_HISTOGRAM_BUCKETS - 1;
}

static uint64_t bucket_end(size_t bucket)
{
    unsigned octave;

    if (bucket < LOAD_HISTOGRAM_STEPS)
        return bucket;
    octave = (unsigned)(bucket / LOAD_HISTOGRAM_STEPS) - 1;
    return ((LOAD_HISTOGRAM_STEPS + bucket % LOAD_HISTOGRAM_STEPS + 1) << octave) - 1;
}

void load_histogram_add(struct load_histogram *histogram, uint64_t nanoseconds)
{
    histogram->counts[bucket_of(nanoseconds)]++;
    histogram->total++;
    if (nanoseconds > histogram->max)
        histogram->max = nanoseconds;
}

void load_histogram_merge(struct load_histogram *to, const struct load_histogram *from)
{
    for (size_t i = 0; i < LOAD_HISTOGRAM_BUCKETS; i++)
        to->counts[i] += from->counts[i];
    to->total += from->total;
    if (from->max > to->max)
        to->max = from->max;
}

uint64_t load_histogram_quantile(const struct load_histogram *histogram, double share)
{
    uint64_t wanted = (uint64_t)((double)histogram->total * share + 0.5);
    uint64_t seen = 0;

    if (histogram->total == 0)
        return 0;
    for (size_t i = 0; i < LOAD_HISTOGRAM_BUCKETS; i++) {
        seen += histogram->counts[i];
        if (seen >= wanted && seen > 0)
            return bucket_end(i) < histogram->max ? bucket_end(i) : histogram->max;
    }
    return histogram->max;
}

double load_histogram_milliseconds(const struct load_histogram *histogram, double share)
{
    return (double)load_histogram_quantile(histogram, share) / 1e6;
}

void load_statistics_merge(struct load_statistics *to, const struct load_statistics *from)
{
    to->duplicated += from->duplicated;
    to->disordered += from->disordered;
    to->damaged += from->damaged;
    to->stray += from->stray;
    to->stalled += from->stalled;
    to->reads += from->reads;
    to->bytes += from->bytes;
    if (from->last_arrival > to->last_arrival)
        to->last_arrival = from->last_arrival;
    load_histogram_merge(&to->latency, &from->latency);
}
