/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_TRACE_QUERY_H
#define BROKER_TRACE_QUERY_H
/*
 * Asking all workers for what they have recorded (broker/trace.h): the latest records that pass a
 * filter, in the order of time; or, for who watches, those that have come since it asked last.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/broker.h"
#include "broker/trace_filter.h"

struct broker_service;

/* Of a question about the past: the latest so many records, at the most. */
#define TRACE_ASKED_MOST 2000u

/* How a watcher asks. */
enum trace_asking_kind {
    TRACE_ASK_PAST,
    TRACE_ASK_END,  /* where is the end? No records */
    TRACE_ASK_SINCE /* what has come since? */
};

struct trace_asking {
    struct broker_request request;
    const struct broker_service *service;
    /* The caller's to fill in. */
    enum trace_asking_kind kind;
    struct trace_filter filter; /* its texts are lent until done */
    size_t most;                /* records, of the past; bytes of records, of one worker, since */
    struct trace_mark *marks;   /* of each worker; of the caller, who keeps them. NULL: the past */
    /* What follows is good until done returns, which may free the asking. Perhaps before _start
     * returns. */
    void (*done)(struct trace_asking *asking);
    void *context;
    const struct trace_record **records; /* in the order of time */
    size_t count;
    uint64_t passed; /* of the past: all that pass the filter */
    uint64_t lost;   /* since: those that pass and were too many, or were overwritten */
    /* Its own: */
    struct broker_message **answers;
    size_t answer_count;
};

void trace_asking_start(struct trace_asking *asking, const struct broker_service *service);

/* ---- a shard's part ---- */

/* In a message. */
struct broker_inspect {
    enum trace_asking_kind kind;
    struct trace_filter filter;
    size_t most;
    struct trace_mark mark;
};

/* BROKER_INSPECT */
void trace_query_receive(struct broker_service *service, const struct broker_message *question);

#endif
