/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_BACKLOG_H
#define SSE_BACKLOG_H
/*
 * What waits for space in a connection's queue: first the events that its page has missed, then
 * those that are offered to it, and what it will be told of dropped ones. It exists only while
 * there is something in it, so that an idle connection costs a pointer.
 *
 * The backlogs of a service that have room are worked on at the end of a turn, in slices of about a
 * millisecond for all, so that a thousand pages that come back at once keep nobody waiting.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

struct loop;
struct sse_arrival;
struct sse_backlog;
struct sse_backlogs;
struct sse_connection;
struct sse_event;

struct sse_backlogs *sse_backlogs_new(struct loop *loop);
void sse_backlogs_free(struct sse_backlogs *backlogs); /* every connection must be gone */

/* The queue has room: it has its turn, if it is not waiting for it already. */
void sse_backlog_rouse(struct sse_backlog *backlog);
/* The connection has ended: nothing will be written any more. */
void sse_backlog_end(struct sse_backlog *backlog);

/* Tells the page before what is left in the queue: who has an event that came later has been told,
 * and does not come back with its id in the belief that nothing is missing. */
void sse_backlog_add_dropped(struct sse_connection *connection, size_t count);

/* A connection whose page was away gets from the log what it has missed, in order, as its queue
 * has space. Until it has everything, dispatch passes it by, since new messages are in the log,
 * too. Then dispatch writes to it as to the others. */
void sse_backlog_catch_up(struct sse_connection *connection, const struct sse_arrival *arrival);
/* Whether what the job with this mark brings comes from the history. */
bool sse_backlog_catches_up(const struct sse_backlog *backlog, uint64_t mark);
/* Whether its page still gets what it has missed: so far, up to this position. */
bool sse_backlog_has_seen(const struct sse_backlog *backlog, uint64_t *position);
/* As the connection's barrier is, for what comes from the history. */
void sse_backlog_raise_barrier(struct sse_backlog *backlog);
void sse_backlog_lift_barrier(struct sse_backlog *backlog);

/* Events for one connection that can wait. Embed it in what has more to offer. */
struct sse_offer {
    struct list node;
    size_t taken; /* the first so many of the events were queued */
    /* Once for each offer: the queue has drained, so that more may be offered (from inside this, if
     * need be), or the connection has ended. */
    void (*on_room)(struct sse_offer *offer, bool is_gone);
};

/* Queues as many of the events as there is room for, behind what the page has missed, and returns
 * how many.
 * offer->on_room follows, however many that are: at the end of some turn, or, when the connection
 * ends (or has ended), before this returns. Any number of offers may wait for one connection. */
size_t sse_connection_offer(struct sse_connection *connection, struct sse_offer *offer,
                            struct sse_event *const *events, size_t count);

#endif
