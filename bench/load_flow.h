/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOAD_FLOW_H
#define LOAD_FLOW_H
/*
 * What is sent: events (a flow, by publishers with connections of their own) and requests (by the
 * sessions that receive).
 */
#include <stdbool.h>
#include <stdint.h>

#include "load_crew.h"

/* ---- events: messages to everyone, or to one stream or user after the other. Saturated, it keeps
 * a number of POSTs unanswered and a number undelivered; paced, it keeps a rate, and falls behind
 * only when those bounds are reached. Messages that nobody is to get are bounded by their answers
 * alone: each of so many senders waits for its own ---- */

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
    uint64_t accepted; /* messages whose POST had a 2xx answer */
    uint64_t refused;  /* POSTs that had not */
    uint64_t expected; /* deliveries that all of it should cause */
    uint64_t began;    /* load_now() of the first POST */
    uint64_t answered; /* kernel's time of the latest answer */
    struct load_histogram answers;
};

struct load_flow {
    struct load_crew *crew;
    struct load_publisher *publishers;
    struct load_call *posts;
    struct list free; /* of the posts */
    struct buf payload;
    struct load_flow_plan plan;
    struct load_flow_report report;
    uint64_t due;      /* when the next POST of a paced flow is */
    uint64_t interval; /* between POSTs; 0: saturated */
    uint64_t end;      /* of publishing; UINT64_MAX: none */
    uint64_t per_post; /* deliveries that one causes */
    uint64_t undelivered_limit;
    uint32_t in_flight;
    uint32_t turn; /* whose publisher's turn it is */
    bool active;   /* false: nothing more is published */
    bool broken;   /* a publisher lost its connection */
};

/* Opens its connections: a matter of load_crew_run(). 0, or a negative errno: told on stderr. */
int load_flow_init(struct load_flow *flow, struct load_crew *crew);
void load_flow_release(struct load_flow *flow); /* before the crew; zero-filled is nothing */
bool load_flow_is_open(const struct load_flow *flow);

void load_flow_start(struct load_flow *flow, const struct load_flow_plan *plan);

/* Publishes what is due; *wake is moved to when more will be. True while it waits for nothing but
 * time, false when it waits for answers or deliveries, or all is published. */
bool load_flow_turn(struct load_flow *flow, uint64_t now, uint64_t *wake);

/* All is published and answered. */
bool load_flow_is_done(const struct load_flow *flow);

/* ---- requests: small ones, on one session after the other, at a fixed rate whether or not the
 * earlier ones are answered: a stall of the server is seen by all requests that it delays ---- */

struct load_requester_report {
    uint64_t sent;
    uint64_t failed; /* no 2xx answer, or not sent because too many were open */
    struct load_histogram latency;
};

struct load_requester {
    struct load_crew *crew;
    struct load_call *calls;
    struct list free; /* of the calls */
    struct load_requester_report report;
    uint64_t due;
    uint64_t interval;
    uint32_t open;
    uint32_t turn; /* whose session's turn it is */
};

void load_requester_init(struct load_requester *requester, struct load_crew *crew);
void load_requester_release(struct load_requester *requester); /* after the crew's sessions */

void load_requester_start(struct load_requester *requester);

/* Asks what is due; *wake is moved to when more will be. False when all is asked and answered. */
bool load_requester_turn(struct load_requester *requester, uint64_t now, uint64_t *wake);

#endif
