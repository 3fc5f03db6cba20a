/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_DISPATCH_H
#define SSE_DISPATCH_H
/*
 * Brings a message (or a command) to the connections of this worker that its target selects, by
 * the smallest group that covers it. Strictly in order of submission per service: a long fan-out is
 * cut into slices of about a millisecond and later messages wait behind it, so that order holds.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "sse/connection.h"

struct sse_dispatch;
struct sse_event;
struct sse_message;
struct sse_registry;
struct sse_service;
struct sse_target;

/* One piece of work; embed it in what needs the result. Its target, event and text must live until
 * on_done, which runs once, in this worker's thread, perhaps before sse_dispatch_submit returns,
 * and may free the job. */
struct sse_dispatch_job {
    struct list node;
    const struct sse_target *target;
    uint64_t position;       /* in the log, of what it brings; 0: it is not there */
    struct sse_event *event; /* sent; or NULL: each selected connection is closed, with: */
    enum sse_close_reason reason;
    const char *text;
    const char *traceparent; /* of the request that closes them; NULL: none */
    int64_t reconnect_ms;
    /* Looks at each that is about to be written to or closed; NULL, when that one was not written
     * to after all. May be NULL itself. */
    void (*on_visit)(struct sse_dispatch_job *job, struct sse_connection *connection);
    bool is_visit;     /* instead: each is looked at, and that is all */
    bool is_drain;     /* instead: each is given an end by the service's drain (sse/lifetime.h) */
    size_t count;      /* result: connections written to (or closed), each once, */
    size_t missed;     /* times that one was not, though it was meant, */
    size_t named;      /* and members of the values' groups, whether they are meant or not */
    uint32_t *reached; /* result: those of each value (one for all); NULL: not wanted */
    uint32_t *acknowledging; /* of these, whose pages acknowledge; NULL as reached */
    void (*on_done)(struct sse_dispatch_job *job);
    /* the dispatcher's own: where a sliced walk stands */
    const struct sse_connection *last; /* that was meant, */
    uint64_t last_changes;             /* and the registry's changes then */
    size_t value_index, member_index;
    uint64_t mark;
    bool is_inside;       /* a value's walk has begun */
    bool walks_listeners; /* that walk goes over the listeners' group, the smaller one */
};

struct sse_dispatch *sse_dispatch_new(struct sse_service *service);
/* Jobs that wait are done with the count that they have. */
void sse_dispatch_free(struct sse_dispatch *dispatch);

/* Runs the job now, if nothing is before it, for as long as its
 * slice lasts; the rest of it in slices of the turns to come. */
void sse_dispatch_submit(struct sse_dispatch *dispatch, struct sse_dispatch_job *job);

/* In on_done: whether the connection has got what the job had, and nothing after that. */
bool sse_dispatch_has_reached(const struct sse_dispatch_job *job,
                              const struct sse_connection *connection);
/* In on_done: the connection that was meant last; NULL: none was, or it may have gone. */
const struct sse_connection *sse_dispatch_last(const struct sse_dispatch_job *job,
                                               const struct sse_registry *registry);

/* The mark of the latest job: a connection that bears it gets nothing that was submitted before. */
uint64_t sse_dispatch_mark(const struct sse_dispatch *dispatch);
/* That of the first job that is not done; UINT64_MAX when all are. */
uint64_t sse_dispatch_oldest(const struct sse_dispatch *dispatch);
/* All that is in the log up to this position has been written to those whom it is for. */
uint64_t sse_dispatch_position(const struct sse_dispatch *dispatch);

#endif
