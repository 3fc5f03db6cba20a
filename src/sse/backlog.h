/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_BACKLOG_H
#define SSE_BACKLOG_H
/*
 * What waits for room in a connection's queue: news of what was dropped, the events that its page
 * has missed, what is offered to it (in this order). There is one only as long as something waits,
 * so that an idle connection pays a pointer. sse/backlogs.h says when it is worked on.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "sse/catch_up.h"

struct sse_arrival;
struct sse_connection;

struct sse_backlog {
    struct list node; /* the backlogs': among those that have room, or in no list */
    struct sse_connection *connection; /* NULL once it has ended */
    uint64_t dropped;                  /* events of which the page is not told yet */
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

void sse_backlog_add_dropped(struct sse_connection *connection, size_t count);
void sse_backlog_catch_up(struct sse_connection *connection, const struct sse_arrival *arrival);
/* Whether what the job with this mark brings comes from the history. */
bool sse_backlog_catches_up(const struct sse_backlog *backlog, uint64_t mark);
/* As the connection's gate is, for what comes from the history. */
void sse_backlog_gate(struct sse_backlog *backlog);
void sse_backlog_open_gate(struct sse_backlog *backlog);

#endif
