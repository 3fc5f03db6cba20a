/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/desk.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "qos/desk_box.h"

struct qos_desk *qos_desk_new(struct loop *loop, const struct qos_desk_settings *settings,
                              const struct qos_desk_ops *ops, void *context)
{
    struct qos_desk *desk = mem_zalloc(sizeof(*desk));

    desk->loop = loop;
    desk->settings = settings;
    desk->ops = ops;
    desk->context = context;
    table_init(&desk->by_key, TABLE_BY_TEXT(struct desk_box, by_key, key));
    table_init(&desk->by_number, TABLE_BY_VALUE(struct desk_box, by_number, number));
    return desk;
}

void qos_desk_free(struct qos_desk *desk)
{
    struct desk_box *box;

    if (!desk)
        return;
    while ((box = table_first(&desk->by_key)))
        desk_box_free(box);
    table_release(&desk->by_key);
    table_release(&desk->by_number);
    buf_release(&desk->key);
    free(desk);
}

/* Asks nothing, because nothing may be written to everybody before this copy is: and there is
 * nothing to ask, for a box that is not open already waits for something. */
bool qos_desk_stored(struct qos_desk *desk, uint64_t number, const struct qos_recipient *recipient,
                     bool was_empty, uint64_t position)
{
    struct desk_box *box = desk_box_find(desk, recipient);

    if (!box && !was_empty)
        return false; /* somebody who is not there has older ones, too: who comes reads them all */
    if (!box)
        box = desk_box_new(desk, recipient);
    if (desk_box_is_open(box)) {
        desk_box_fly(box, &(struct desk_flight){.number = number, .position = position});
        box->backlog.cursor = number;
        desk_box_schedule(box);
        return true;
    }
    box->backlog.has_more = true;
    box->backlog.has_new = true;
    if (number < box->backlog.first)
        box->backlog.first = number;
    return false;
}

static void reached(struct qos_desk *desk, uint64_t number, const struct qos_recipient *recipient,
                    size_t count, bool is_done)
{
    struct desk_box *box = desk_box_find(desk, recipient);
    struct desk_flight *flight = box ? desk_flights_find(&box->flights, number) : NULL;
    uint32_t written = 1;

    if (box)
        desk_box_hold(box);
    if (flight && !flight->is_confirmed) {
        if (count > 0)
            flight->written++;
        desk_flights_confirm(&box->flights, flight, count == 0);
        written = flight->written;
    }
    if (count > 0 && is_done)
        desk->ops->acknowledge(desk->context, number, recipient, written);
    if (box)
        desk_box_settle(box);
}

void qos_desk_reached(struct qos_desk *desk, uint64_t number, const struct qos_recipient *recipient,
                      size_t count)
{
    reached(desk, number, recipient, count, desk->settings->ack_on_write);
}

void qos_desk_reached_silent(struct qos_desk *desk, uint64_t number,
                             const struct qos_recipient *recipient, size_t count)
{
    reached(desk, number, recipient, count, true);
}

static bool is_receiver(const struct desk_box *box, const char *connection_id)
{
    return desk_box_has_receiver(box) && strcmp(box->receiver.client.id, connection_id) == 0;
}

/* Nobody waits: what its page's former connection has not acknowledged is its own at once, and what
 * others have, if they are still there. */
static void arrive_at_group(struct desk_box *box, const struct qos_client *client)
{
    if (is_receiver(box, client->id))
        return;
    if (desk_box_has_receiver(box) && desk_client_is_page_of(&box->receiver.client, client))
        desk_box_lose_receiver(box);
    desk_box_receive(box, client);
    box->doubt.is_raised = true;
}

static void arrive_at_individual(struct desk_box *box, const struct qos_client *client)
{
    if (is_receiver(box, client->id) || desk_box_waiter(box, client->id))
        return;
    if (!desk_box_lacks(box, client)) {
        desk_box_receive(box, client);
        return;
    }
    desk_box_wait(box, client);
    box->doubt.is_raised = true;
}

void qos_desk_arrive(struct qos_desk *desk, const struct qos_client *client,
                     const struct qos_recipient *recipient, bool has_stored)
{
    struct desk_box *box = desk_box_find(desk, recipient);

    if (!box && !has_stored)
        return;
    if (!box) {
        box = desk_box_new(desk, recipient);
        box->backlog.has_more = true;
        desk_box_receive(box, client);
    }
    desk_box_hold(box);
    box->doubt.has_arrived = true;
    if (box->is_group)
        arrive_at_group(box, client);
    else
        arrive_at_individual(box, client);
    desk_box_settle(box);
}

void qos_desk_leave(struct qos_desk *desk, const char *connection_id,
                    const struct qos_recipient *recipient)
{
    struct desk_box *box = desk_box_find(desk, recipient);
    struct desk_waiter *waiter = box ? desk_box_waiter(box, connection_id) : NULL;

    if (!box)
        return;
    desk_box_hold(box);
    box->doubt.has_left = true;
    if (waiter)
        desk_box_stop_waiting(box, waiter);
    else if (is_receiver(box, connection_id))
        desk_box_lose_receiver(box);
    box->doubt.is_raised = true;
    desk_box_settle(box);
}

void qos_desk_end(struct qos_desk *desk, uint64_t number, const struct qos_recipient *recipient)
{
    struct desk_box *box = desk_box_find(desk, recipient);

    if (!box)
        return;
    desk_box_hold(box);
    if (desk_box_land(box, number))
        box->rounds = 0;
    desk_box_settle(box);
}

uint32_t qos_desk_written(const struct qos_desk *desk, uint64_t number,
                          const struct qos_recipient *recipient)
{
    /* The key's buffer is no part of what the desk knows. */
    struct desk_box *box = desk_box_find((struct qos_desk *)desk, recipient);
    const struct desk_flight *flight = box ? desk_flights_find(&box->flights, number) : NULL;

    return flight ? flight->written : 0;
}

void qos_desk_report(const struct qos_desk *desk, struct qos_desk_report *report)
{
    *report = desk->report;
}
