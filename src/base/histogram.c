/* SPDX-License-Identifier: Apache-2.0 */
#include "base/histogram.h"

#include <inttypes.h>

#include "base/buf.h"

static const uint32_t bounds_us[HISTOGRAM_BOUNDS] = {
    100,   250,    500,    1000,   2500,    5000,    10000,   25000,
    50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000,
};

void histogram_add_us(struct histogram *histogram, uint64_t us)
{
    size_t bound = 0;

    while (bound < HISTOGRAM_BOUNDS && us > bounds_us[bound])
        bound++;
    histogram->counts[bound]++;
    histogram->sum_us += us;
}

void histogram_merge(struct histogram *to, const struct histogram *from)
{
    for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++)
        to->counts[i] += from->counts[i];
    to->sum_us += from->sum_us;
}

void histogram_append(const struct histogram *histogram, struct buf *text, const char *name,
                      const char *labels)
{
    uint64_t count = 0;

    for (size_t bound = 0; bound < HISTOGRAM_BOUNDS; bound++) {
        count += histogram->counts[bound];
        buf_printf(text, "%s_bucket{%s,le=\"%g\"} %" PRIu64 "\n", name, labels,
                   (double)bounds_us[bound] / 1e6, count);
    }
    count += histogram->counts[HISTOGRAM_BOUNDS];
    buf_printf(text, "%s_bucket{%s,le=\"+Inf\"} %" PRIu64 "\n", name, labels, count);
    buf_printf(text, "%s_sum{%s} %.6f\n", name, labels, (double)histogram->sum_us / 1e6);
    buf_printf(text, "%s_count{%s} %" PRIu64 "\n", name, labels, count);
}
