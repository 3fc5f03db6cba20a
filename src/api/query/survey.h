/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_SURVEY_H
#define API_SURVEY_H
/*
 * Shows the connections of a service to a query, in every worker, in slices, and behind them the
 * users who are away within the grace time; each worker gathers what it sees in a part of its own.
 */
#include "api/query/scan.h"
#include "cluster/peers.h"

struct api_exchange;
struct sse_presence;
struct sse_user;
struct survey;

/* Embed it first in what a worker gathers. */
struct survey_part {
    struct scan scan;
    struct survey *survey;
    struct slices slices; /* through the users whose presence the worker keeps */
    const struct sse_presence *presence;
    struct loop *loop;
    size_t position; /* those behind it have been visited */
};

struct survey {
    struct peers_call call;
    struct api_exchange *exchange; /* a reference, which done drops */
    const char *key;               /* NULL: all connections */
    enum sse_group_kind kind;      /* else the group of this kind with that key */
    /* In each worker: its part, ready to gather. */
    struct survey_part *(*begin)(struct survey *survey, size_t worker,
                                 const struct sse_service *core);
    void (*visit)(struct scan *scan, const struct sse_connection *connection);
    /* NULL: those who are away do not count here. */
    void (*visit_away)(struct survey_part *part, const struct sse_user *user);
    void (*done)(struct survey *survey); /* in the origin's thread; owns the survey */
};

/* key, kind, begin, visit, visit_away and done are the caller's to fill in. */
void survey_start(struct survey *survey, struct api_exchange *exchange);

#endif
