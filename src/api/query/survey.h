/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_SURVEY_H
#define API_SURVEY_H
/*
 * Shows the connections of a service to a query, in every worker, in slices, and behind them the
 * users who are away within the grace time; each worker gathers what it sees in a part of its own.
 */
#include "api/query/connection_filter.h"
#include "api/query/paging.h"
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

struct survey_ops {
    /* In each worker: its part, ready to gather. */
    struct survey_part *(*begin)(struct survey *survey, size_t worker,
                                 const struct sse_service *core);
    void (*visit)(struct scan *scan, const struct sse_connection *connection);
    /* NULL: those who are away do not count here. */
    void (*visit_away)(struct survey_part *part, const struct sse_user *user);
    void (*done)(struct survey *survey); /* in the origin's thread; owns the survey */
};

struct survey {
    struct peers_call call;
    const struct survey_ops *ops;
    struct api_exchange *exchange; /* a reference, once it has started */
    const char *key;               /* NULL: all connections */
    enum sse_group_kind kind;      /* else the group of this kind with that key */
    /* Of a list: who is in it, which lends from the exchange, and what of it is asked for. */
    struct connection_filter filter;
    struct paging paging;
};

/* Zero-filled, of so many bytes that begin with a survey and end with the parts of all workers. */
void *survey_new(size_t size, size_t part_size, const struct survey_ops *ops,
                 const struct api_exchange *exchange);
void survey_free(struct survey *survey);

/* The parts and what else is in it are the caller's to fill in before. Of those whom the filter
 * lets pass it sees all, and perhaps others. */
void survey_start(struct survey *survey, struct api_exchange *exchange);

#endif
