/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "qos/desk_box.h"

void desk_box_fly(struct desk_box *box, const struct desk_flight *flight)
{
    struct desk_flight started = *flight;

    started.since = desk_box_now(box);
    if (box->flights.count == 0)
        box->oldest = started.since;
    desk_flights_add(&box->flights, &started);
    box->desk->report.in_flight++;
}

bool desk_box_land(struct desk_box *box, uint64_t number)
{
    if (!desk_flights_remove(&box->flights, number))
        return false;
    box->desk->report.in_flight--;
    return true;
}

static bool is_held_by(const struct desk_box *box, const struct desk_flight *flight,
                       const struct qos_client *client)
{
    if (flight->position > 0)
        return qos_client_has(client, flight->position);
    return flight->serial == box->receiver.serial && desk_box_has_receiver(box) &&
           strcmp(client->id, box->receiver.client.id) == 0;
}

typedef bool (*keep)(const struct desk_box *box, const struct desk_flight *flight,
                     const void *context);

static void note(const struct desk_box *box, const struct desk_flight *flight)
{
    const struct qos_desk *desk = box->desk;

    if (flight->written > 0)
        desk->ops->note(desk->context, flight->number, &box->recipient, flight->written);
}

/* What is not kept is in the store only, again. The next read begins there: one that is under way
 * has begun too late. */
static void put_back(struct desk_box *box, keep is_kept, const void *context)
{
    struct desk_flights *flights = &box->flights;
    struct desk_backlog *backlog = &box->backlog;
    uint64_t lowest = DESK_NONE;
    size_t kept = 0;

    for (size_t i = 0; i < flights->count; i++) {
        const struct desk_flight flight = flights->items[i];

        if (is_kept(box, &flight, context)) {
            flights->items[kept++] = flight;
            continue;
        }
        if (lowest == DESK_NONE)
            lowest = flight.number;
        note(box, &flight);
    }
    if (lowest == DESK_NONE)
        return;
    box->desk->report.in_flight -= flights->count - kept;
    desk_flights_set_count(flights, kept);
    if (lowest <= backlog->cursor)
        backlog->cursor = lowest - 1;
    backlog->has_more = true;
    backlog->returns++;
    box->reading = 0;
}

static bool keep_none(const struct desk_box *box, const struct desk_flight *flight,
                      const void *context)
{
    (void)box;
    (void)flight;
    (void)context;
    return false;
}

static bool keep_what_it_has(const struct desk_box *box, const struct desk_flight *flight,
                             const void *client)
{
    return is_held_by(box, flight, client);
}

static bool is_young(const struct desk_box *box, const struct desk_flight *flight)
{
    return flight->since + box->desk->settings->takeover_ms > desk_box_now(box);
}

/* What was written just now to the very one that would get it again. */
static bool keep_young(const struct desk_box *box, const struct desk_flight *flight,
                       const void *client)
{
    return is_held_by(box, flight, client) && is_young(box, flight);
}

static bool keep_other_serials(const struct desk_box *box, const struct desk_flight *flight,
                               const void *serial)
{
    (void)box;
    return flight->position > 0 || flight->serial != *(const uint32_t *)serial;
}

static bool keep_alone_and_had(const struct desk_box *box, const struct desk_flight *flight,
                               const void *client)
{
    return flight->position == 0 || is_held_by(box, flight, client);
}

static bool keep_reached_and_had(const struct desk_box *box, const struct desk_flight *flight,
                                 const void *client)
{
    return !flight->is_missed || is_held_by(box, flight, client);
}

void desk_box_put_back_run(struct desk_box *box, uint32_t serial)
{
    put_back(box, keep_other_serials, &serial);
}

void desk_box_put_back_missed(struct desk_box *box)
{
    put_back(box, keep_alone_and_had, &box->receiver.client);
}

bool desk_box_has_receiver(const struct desk_box *box)
{
    return box->receiver.client.id[0] != '\0';
}

static bool is_receiver(const struct desk_box *box, const struct qos_client *client)
{
    return desk_box_has_receiver(box) && strcmp(box->receiver.client.id, client->id) == 0;
}

void desk_box_receive(struct desk_box *box, const struct qos_client *client)
{
    if (is_receiver(box, client))
        return;
    box->receiver.client = *client;
    box->receiver.serial++;
    box->backlog.again_to = 0;
    desk_box_mark_former(box);
}

void desk_box_lose_receiver(struct desk_box *box)
{
    desk_box_put_back_run(box, box->receiver.serial);
    if (box->run.serial == box->receiver.serial)
        desk_box_forget_run(box);
    box->receiver.client.id[0] = '\0';
    box->doubt.is_raised = true;
}

/* All is asked anew, if it has to be. */
static void forget_questions(struct desk_box *box)
{
    desk_box_forget_run(box);
    box->reading = 0;
    box->doubt = (struct desk_doubt){0};
}

static void end_of_all(struct desk_box *box)
{
    put_back(box, keep_none, NULL);
    box->backlog.has_more = false;
    forget_questions(box);
}

static void change_receiver(struct desk_box *box, const struct qos_client *client)
{
    struct desk_waiter *waiter = desk_box_waiter(box, client->id);

    forget_questions(box);
    desk_box_receive(box, client);
    if (waiter)
        desk_box_stop_waiting(box, waiter);
    box->rounds = 0;
    box->moved_at = desk_box_now(box);
}

static uint64_t last_old(const struct desk_box *box)
{
    size_t i = box->flights.count;

    while (i > 0 && is_young(box, &box->flights.items[i - 1]))
        i--;
    return i > 0 ? box->flights.items[i - 1].number : 0;
}

void desk_box_turn(struct desk_box *box, const struct qos_client *client, bool is_again)
{
    const uint64_t again_to = is_again ? last_old(box) : 0;
    const bool is_other = client && !is_receiver(box, client);

    if (!client) {
        end_of_all(box);
        return;
    }
    if (is_other)
        desk_box_demote_receiver(box);
    put_back(box, is_again ? keep_young : keep_what_it_has, client);
    if (is_other)
        change_receiver(box, client);
    if (is_again)
        box->backlog.again_to = again_to;
}

/* Nobody got a copy that went to everybody: as if it had not been written. */
bool desk_box_settle_missed(struct desk_box *box)
{
    struct desk_flights *flights = &box->flights;
    const struct desk_waiter *waiter = desk_box_last_waiter(box);

    if (flights->missed == 0 || flights->unconfirmed > 0)
        return false;
    if (desk_box_has_receiver(box))
        put_back(box, keep_reached_and_had, &box->receiver.client);
    else if (flights->missed == flights->count)
        desk_box_turn(box, waiter ? &waiter->client : NULL, false);
    else
        box->doubt.is_raised = true;
    for (size_t i = 0; i < flights->count; i++)
        flights->items[i].is_missed = false;
    flights->missed = 0;
    return true;
}

void desk_box_end_held(struct desk_box *box)
{
    const struct qos_desk *desk = box->desk;
    const size_t count = box->flights.count;
    struct desk_flight *held = mem_alloc((count + 1) * sizeof(*held));
    size_t held_count = 0;

    for (size_t i = 0; i < count; i++) {
        const struct desk_flight *flight = &box->flights.items[i];

        if (is_held_by(box, flight, &box->receiver.client) && !is_young(box, flight))
            held[held_count++] = *flight;
    }
    for (size_t i = 0; i < held_count; i++) /* they may land at once */
        desk->ops->acknowledge(desk->context, held[i].number, &box->recipient, held[i].written);
    free(held);
}
