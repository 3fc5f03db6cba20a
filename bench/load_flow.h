/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOAD_FLOW_H
#define LOAD_FLOW_H
/*
 * The publishing side: connections of its own, a stream of messages to everyone or to one stream
 * after the other. Saturated, it keeps a number of POSTs unanswered and a number undelivered;
 * paced, it keeps a rate, and falls behind only when those bounds are reached.
 */
#include <stdbool.h>
#include <stdint.h>

#include "load_statistics.h"

struct load_crew;
struct load_flow;

struct load_flow_plan {
    bool unicast;
    uint32_t audience; /* streams that a broadcast reaches */
    uint64_t messages; /* at the most */
    double seconds;    /* of publishing at the most; 0: no limit */
    double rate;       /* events per second; 0: saturated */
};

struct load_flow_report {
    uint64_t posts;
    uint64_t messages;
    uint64_t refused;  /* POSTs without a 2xx answer */
    uint64_t expected; /* deliveries that all of it should cause */
    uint64_t began;    /* load_now() of the first POST */
    struct load_histogram answers;
};

/* NULL when a publisher's connection cannot be opened (told on stderr). They run on worker 0, and
 * are open once load_flow_is_open() says so during a phase. */
struct load_flow *load_flow_new(struct load_crew *crew);
void load_flow_free(struct load_flow *flow);
bool load_flow_is_open(const struct load_flow *flow);
bool load_flow_is_broken(const struct load_flow *flow); /* a publisher lost its connection */

void load_flow_start(struct load_flow *flow, const struct load_flow_plan *plan);
void load_flow_stop(struct load_flow *flow); /* nothing more is published */

/* Publishes what is due; *wake is moved to when more will be. */
void load_flow_turn(struct load_flow *flow, uint64_t now, uint64_t *wake);

/* All is published and answered. */
bool load_flow_is_done(const struct load_flow *flow);

/* It waits for answers or deliveries. */
bool load_flow_is_stuck(const struct load_flow *flow);
const struct load_flow_report *load_flow_report(const struct load_flow *flow);

#endif
