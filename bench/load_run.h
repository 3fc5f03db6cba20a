/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOAD_RUN_H
#define LOAD_RUN_H
/*
 * A scenario from start to end: connect everyone, then one or two stretches of traffic.
 */
#include <stdbool.h>
#include <stdint.h>

#include "load_traffic.h"

#define LOAD_MAX_RESULTS 3u

struct load_options;

struct load_report {
    const struct load_options *options;
    double connect_seconds;
    uint64_t connect_cpu; /* of the server, microseconds */
    uint64_t opened;      /* streams */
    uint64_t failed;
    uint64_t resumed; /* sessions, of TLS */
    uint64_t closed;  /* by the server, while they should have been open */
    uint64_t slow_sessions;
    uint64_t slow_closed;  /* streams */
    uint64_t slow_events;  /* that the slow ones found when they read again */
    uint64_t memory_empty; /* KiB, before anyone connected */
    uint64_t memory_idle;  /* KiB, all connected and at rest */
    bool timed_out;
    uint32_t result_count;
    struct load_result results[LOAD_MAX_RESULTS];
};

/* 0, or a negative errno when it could not be run at all (told on stderr). */
int load_run(const struct load_options *options, struct load_report *report);

double load_report_connect_cpu(const struct load_report *report); /* microseconds a session */
double load_report_memory(const struct load_report *report);      /* KiB a session */

/* Whether everybody got everything once and in order, and nothing else went wrong. */
bool load_report_is_good(const struct load_report *report);

#endif
