/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_SAMPLES_H
#define CLI_SAMPLES_H
/* What a server does, from two looks at its /metrics and its connections. */
#include <jansson.h>
#include <stdint.h>

#include "base/buf.h"

/* One look. Zero-filled it is none, and holds no memory. */
struct sample {
    uint64_t at_ns;
    struct buf metrics;  /* as the server writes them */
    json_t *connections; /* of the first 1000; NULL: they may not be seen */
};

void sample_release(struct sample *sample);

/* The sum, over workers and services, of a metric (its name without "sse_server_"), or the most of
 * it. service: only of that one; NULL: of all. 0 when there is none. */
double sample_sum(const struct sample *sample, const char *name, const char *service);
double sample_most(const struct sample *sample, const char *name);

/* What has changed from one look to the next, as an object of numbers, and of lists of the busiest
 * users and channels ("busiestUsers", "busiestChannels") where connections were seen. */
json_t *samples_compare(const struct sample *before, const struct sample *now, const char *service);

#endif
