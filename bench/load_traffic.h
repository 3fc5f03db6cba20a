/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOAD_TRAFFIC_H
#define LOAD_TRAFFIC_H
/*
 * One measured stretch of a run: events flow, requests are asked, or both; and what came of it.
 */
#include <stdbool.h>
#include <stdint.h>

#include "load_flow.h"
#include "load_requester.h"
#include "load_statistics.h"

struct load_crew;

struct load_traffic_plan {
    const char *name;
    struct load_flow *flow; /* NULL: no events */
    struct load_flow_plan flow_plan;
    struct load_requester *requester; /* NULL: no requests; with a flow, it ends the flow */
    bool watch_memory;
    uint64_t deadline; /* load_now() */
};

struct load_result {
    const char *name;
    int rc;              /* 0 or -ETIMEDOUT */
    double seconds;      /* from the first POST to the latest arrival, or answer: see counted */
    uint64_t server_cpu; /* microseconds */
    uint64_t own_cpu;
    double own_share; /* of one core, per thread, while it lasted */
    uint64_t delivered;
    uint64_t counted; /* what rates and CPU are told by: events that were delivered; messages that
                         were accepted, when nobody was to get them */
    uint64_t lost;
    struct load_flow_report flow;
    struct load_statistics statistics;
    struct load_requester_report requests;
    uint64_t memory_before; /* KiB */
    uint64_t memory_peak;   /* KiB; 0: not watched */
};

void load_traffic_run(struct load_crew *crew, const struct load_traffic_plan *plan,
                      struct load_result *result);

double load_result_rate(const struct load_result *result);       /* counted per second */
double load_result_server_cpu(const struct load_result *result); /* microseconds for each counted */
double load_result_own_cpu(const struct load_result *result);
double load_result_per_read(const struct load_result *result); /* events in one receive call */

#endif
