/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_OFFER_H
#define SSE_OFFER_H
/* Events for one connection that can wait until its queue has room for them. */
#include <stdbool.h>
#include <stddef.h>

#include "base/list.h"

struct sse_backlog;
struct sse_connection;
struct sse_event;

/* Embed it in what has more to offer. */
struct sse_offer {
    struct list node;
    size_t taken; /* the first so many of the events were queued */
    /* Once for each offer: the queue has drained, so that more may be offered (from inside this, if
     * need be), or the connection has ended. */
    void (*on_room)(struct sse_offer *offer, bool is_gone);
};

/* Queues as many of the events as there is room for, behind what the page has missed.
 * offer->on_room follows, however many that are: at the end of some turn, or, when the connection
 * ends (or has ended), before this returns. Any number of offers may wait for one connection. */
void sse_connection_offer(struct sse_connection *connection, struct sse_offer *offer,
                          struct sse_event *const *events, size_t count);

/* on_room will not be called. */
void sse_offer_withdraw(struct sse_offer *offer);

/* For the backlog, which is held: tells those that wait, while there is room. */
void sse_offers_serve(struct sse_backlog *backlog);
void sse_offers_end(struct list *offers);

#endif
