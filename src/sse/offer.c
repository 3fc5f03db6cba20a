/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/offer.h"

#include "base/bytes.h"
#include "sse/backlog.h"
#include "sse/connection.h"
#include "sse/event.h"

static void push_while_room(const struct sse_backlog *backlog, struct sse_offer *offer,
                            struct sse_event *const *events, size_t count)
{
    /* One that is larger than the whole queue is refused, and would be again. The offer may be gone
     * when the connection is. */
    while (backlog->connection && offer->taken < count &&
           sse_connection_has_room(backlog->connection, events[offer->taken]->wire->length))
        (void)sse_connection_push(backlog->connection, events[offer->taken++]);
}

/* Whether there is nothing left to drain, or more would fit: nobody else would say so. */
static bool is_due(const struct sse_connection *connection, bool is_all_taken)
{
    return connection->queue.count == 0 || (is_all_taken && sse_connection_is_drained(connection));
}

void sse_connection_offer(struct sse_connection *connection, struct sse_offer *offer,
                          struct sse_event *const *events, size_t count)
{
    struct sse_backlog *backlog;

    offer->node = (struct list){0};
    offer->taken = 0;
    if (!connection->service) {
        offer->on_room(offer, true);
        return;
    }
    backlog = sse_backlog_of(connection);
    sse_backlog_hold(backlog);
    list_append(&backlog->offers, &offer->node);
    if (!backlog->is_catching_up)
        push_while_room(backlog, offer, events, count);
    if (backlog->connection && is_due(backlog->connection, offer->taken == count))
        sse_backlog_rouse(backlog);
    sse_backlog_let_go(backlog);
}

void sse_offer_withdraw(struct sse_offer *offer)
{
    list_remove(&offer->node);
}

static size_t length_of(const struct list *list)
{
    size_t length = 0;

    list_for_each(node, list)
        length++;
    return length;
}

void sse_offers_serve(struct sse_backlog *backlog)
{
    size_t left = length_of(&backlog->offers); /* what is offered meanwhile has its turn later */

    while (left-- > 0 && backlog->connection && sse_connection_is_drained(backlog->connection)) {
        struct list *node = list_take_first(&backlog->offers);
        struct sse_offer *offer = node ? container_of(node, struct sse_offer, node) : NULL;

        if (!offer)
            return;
        offer->on_room(offer, false);
    }
}

void sse_offers_end(struct list *offers)
{
    struct list *node;

    while ((node = list_take_first(offers))) {
        struct sse_offer *offer = container_of(node, struct sse_offer, node);

        offer->on_room(offer, true);
    }
}
