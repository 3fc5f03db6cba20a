/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_BACKLOG_H
#define SSE_BACKLOG_H
/*
 * What waits for room in a connection's queue: the events that its page has missed, then what is
 * offered to it; and what the page is about to be told of what was dropped. There is one only as
 * long as there is something in it, so that an idle connection pays a pointer. sse/backlogs.h says
 * when it is worked on.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "sse/catch_up.h"

struct sse_arrival;
struct sse_connection;
struct sse_event;

struct sse_backlog {
    struct list node; /* the backlogs': among those that have room, or in no list */
    struct sse_connection *connection; /* NULL once it has ended */
    struct sse_event *notice;          /* of what was dropped, while it waits; NULL: none does */
    uint64_t dropped;                  /* how many events it speaks of */
    struct list offers;
    struct sse_catch_up catch_up;
    bool is_catching_up;
    unsigned holds; /* so long it is not freed */
};

/* The connection's, made when it has none. */
struct sse_backlog *sse_backlog_of(struct sse_connection *connection);
/* While something is done that may end the connection, which may free it: backlog->connection
 * tells. Let go of, a backlog with nothing in it is freed. */
void sse_backlog_hold(struct sse_backlog *backlog);
void sse_backlog_let_go(struct sse_backlog *backlog);
/* The queue has room: it has its turn. */
void sse_backlog_rouse(struct sse_backlog *backlog);
/* Its turn: a slice. */
void sse_backlog_run(struct sse_backlog *backlog);
/* The connection has ended: nothing will be written any more. */
void sse_backlog_end(struct sse_backlog *backlog);

/* Tells the page before what is left in the queue: who has an event that came later has been told,
 * and does not come back with its id in the belief that nothing is missing. */
void sse_backlog_add_dropped(struct sse_connection *connection, size_t count);
void sse_backlog_catch_up(struct sse_connection *connection, const struct sse_arrival *arrival);
/* Whether what the job with this mark brings comes from the history. */
bool sse_backlog_catches_up(const struct sse_backlog *backlog, uint64_t mark);
/* As the connection's gate is, for what comes from the history. */
void sse_backlog_gate(struct sse_backlog *backlog);
void sse_backlog_open_gate(struct sse_backlog *backlog);

#endif
