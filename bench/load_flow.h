/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOAD_FLOW_H
#define LOAD_FLOW_H
/*
 * The publishing side: connections of its own, a stream of messages to everyone, or to one stream
 * or user after the other. Saturated, it keeps a number of POSTs unanswered and a number
 * undelivered; paced, it keeps a rate, and falls behind only when those bounds are reached.
 * Messages that nobody is to get are bounded by their answers alone: each of so many senders waits
 * for its own.
 */
#include <stdbool.h>
#include <stdint.h>

#include "load_statistics.h"

#define LOAD_STATUSES 600u

struct load_crew;
struct load_flow;

struct load_flow_plan {
    uint32_t targets;  /* each message is for the next of so many; 0: for everyone */
    uint32_t audience; /* streams that a message reaches */
    uint64_t messages; /* at the most */
    double seconds;    /* of publishing at the most; 0: no limit */
    double rate;       /* events (messages, without an audience) per second; 0: saturated */
};

struct load_flow_report {
    uint64_t posts;
    uint64_t messages;
    uint64_t accepted;                /* messages whose POST had a 2xx answer */
    uint64_t refused;                 /* POSTs that had not */
    uint64_t statuses[LOAD_STATUSES]; /* POSTs by their answer; 0: none came */
    uint64_t expected;                /* deliveries that all of it should cause */
    uint64_t began;                   /* load_now() of the first POST */
    uint64_t answered;                /* kernel's time of the latest answer */
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
