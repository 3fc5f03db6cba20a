/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOAD_REPORT_H
#define LOAD_REPORT_H
/*
 * What a run found, for people and for programs.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "load_flow.h"

#define LOAD_MAX_RESULTS 3u

/* Of one stretch of a run: events flow, requests are asked, or both. */
struct load_result {
    const char *name;
    bool timed_out;
    double seconds;      /* from the first POST to the latest arrival, or answer: see counted */
    uint64_t server_cpu; /* microseconds */
    uint64_t own_cpu;
    double own_share; /* of one core, while it lasted */
    uint64_t counted; /* what rates and CPU are told by: events that were delivered; messages that
                         were accepted, when nobody was to get them */
    uint64_t lost;
    struct load_flow_report flow;
    struct load_statistics statistics;
    struct load_requester_report requests;
    uint64_t memory_before; /* KiB */
    uint64_t memory_peak;   /* KiB; 0: not watched */
};

struct load_report {
    const struct load_options *options;
    double connect_seconds;
    uint64_t connect_cpu; /* of the server, microseconds */
    uint64_t opened;      /* streams */
    uint64_t failed;
    uint64_t resumed; /* sessions, of TLS */
    uint64_t closed;  /* by the server, while they should have been open */
    uint64_t slow_sessions;
    uint64_t memory_empty; /* KiB, before anyone connected */
    uint64_t memory_idle;  /* KiB, all connected and at rest */
    bool timed_out;
    uint32_t result_count;
    struct load_result results[LOAD_MAX_RESULTS];
};

/* Whether everybody got everything once and in order, and nothing else went wrong. */
bool load_report_is_good(const struct load_report *report);

/* Latencies are milliseconds, CPU is in microseconds, memory in KiB. */
json_t *load_report_json(const struct load_report *report);

/* For people: what is not 0 in the report's JSON. */
void load_report_print(json_t *json, FILE *to);

#endif
