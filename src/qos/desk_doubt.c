/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "qos/desk_box.h"

/* An individual's receiver has all that is in flight. It is nobody only when it is the former
 * connection of the page that waits: then its end has not been noticed yet. */
static bool is_individual_in_doubt(const struct desk_box *box)
{
    const struct desk_waiter *waiter = desk_box_last_waiter(box);

    return !desk_box_has_receiver(box) ||
           (waiter && !waiter->is_former &&
            desk_client_is_page_of(&box->receiver.client, &waiter->client));
}

static bool is_group_in_doubt(const struct desk_box *box)
{
    return !desk_box_has_receiver(box) ||
           desk_flights_missing(&box->flights, &box->receiver.client) > 0;
}

/* Crowds come and go all the time; each census visits all of them. */
static bool is_too_early(const struct desk_box *box)
{
    return box->is_group && box->doubt.asked_at > 0 &&
           desk_box_now(box) < box->doubt.asked_at + DESK_PAUSE_MS;
}

static bool is_to_ask(struct desk_box *box)
{
    struct desk_doubt *doubt = &box->doubt;

    if (doubt->asked)
        return false;
    if (doubt->is_due)
        return true;
    if (!doubt->is_raised || is_too_early(box))
        return false;
    doubt->is_raised = box->is_group ? is_group_in_doubt(box) : is_individual_in_doubt(box);
    return doubt->is_raised;
}

/* Which of a group have what the receiver has not; */
static void ask_group(const struct desk_box *box)
{
    const struct qos_desk *desk = box->desk;
    const struct qos_client *receiver = desk_box_has_receiver(box) ? &box->receiver.client : NULL;

    desk->ops->census(desk->context, box->doubt.asked, &box->recipient,
                      desk_flights_missing(&box->flights, receiver),
                      receiver ? receiver->instance : 0);
}

/* and whether an individual has a connection that has everything, as all have that got the last. */
static void ask_individual(const struct desk_box *box)
{
    const struct qos_desk *desk = box->desk;
    const struct desk_waiter *waiter = desk_box_last_waiter(box);

    desk->ops->census(desk->context, box->doubt.asked, &box->recipient,
                      desk_flights_last(&box->flights), waiter ? waiter->client.instance : 0);
}

bool desk_box_ask(struct desk_box *box)
{
    struct desk_doubt *doubt = &box->doubt;

    if (!is_to_ask(box))
        return false;
    doubt->was_due = doubt->is_due;
    if (doubt->is_due)
        doubt->is_due = false;
    else
        doubt->is_raised = false;
    doubt->has_arrived = false;
    doubt->has_left = false;
    doubt->asked_at = desk_box_now(box);
    doubt->asked = desk_box_question(box);
    if (box->is_group)
        ask_group(box);
    else
        ask_individual(box);
    return true;
}

/* What comes again comes to one that acknowledges, where there is any. */
static const struct qos_client *whose_turn(const struct qos_client *newest,
                                           const struct qos_census *census)
{
    if (newest && newest->is_silent && census->is_anybody_attentive)
        return &census->attentive;
    return newest;
}

static void on_late(struct desk_box *box, const struct qos_client *newest)
{
    const bool is_silent = newest && newest->is_silent;
    const unsigned rounds = box->rounds + 1;

    if (!desk_box_is_late(box))
        return;
    box->desk->report.timeouts++;
    desk_box_turn(box, newest, !is_silent);
    if (is_silent)
        desk_box_end_held(box);
    box->rounds = rounds;
}

/* A group's receiver is always the newest of the living. */
static void on_group(struct desk_box *box, size_t holders, const struct qos_client *newest)
{
    if (!newest) {
        desk_box_turn(box, NULL, false);
        return;
    }
    if (desk_box_has_receiver(box) && strcmp(newest->id, box->receiver.client.id) != 0)
        desk_box_lose_receiver(box);
    desk_box_receive(box, newest);
    if (holders == 0)
        desk_box_put_back_missed(box);
}

static void on_individual(struct desk_box *box, size_t holders, const struct qos_client *newest)
{
    if (holders == 0 || !newest)
        desk_box_turn(box, newest, false);
    else if (!desk_box_has_receiver(box) && !desk_box_waiter(box, newest->id))
        desk_box_receive(box, newest);
}

static void on_census(struct desk_box *box, const struct qos_census *census)
{
    const struct desk_doubt *doubt = &box->doubt;
    const struct desk_waiter *waiter = desk_box_last_waiter(box);
    const struct qos_client *newest = census->is_anybody ? &census->newest : NULL;

    if (!newest && waiter)
        newest = &waiter->client;
    if (box->is_group && doubt->has_arrived && desk_box_has_receiver(box))
        newest = &box->receiver.client;
    if (doubt->was_due)
        on_late(box, whose_turn(newest, census));
    else if (box->is_group)
        on_group(box, census->holders, newest);
    else
        on_individual(box, census->holders, newest);
}

void qos_desk_counted(struct qos_desk *desk, uint64_t question, const struct qos_census *census)
{
    struct desk_box *box = desk_box_asked(desk, question);
    struct desk_doubt *doubt = box ? &box->doubt : NULL;

    if (!box || doubt->asked != question)
        return;
    desk_box_hold(box);
    doubt->asked = 0;
    if (!box->is_group && (doubt->has_arrived || doubt->has_left)) {
        doubt->is_due = doubt->is_due || doubt->was_due;
        doubt->is_raised = true;
    } else {
        on_census(box, census);
    }
    desk_box_settle(box);
}
