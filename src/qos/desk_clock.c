/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/desk_box.h"

uint64_t desk_box_now(const struct desk_box *box)
{
    return loop_served_ms(box->desk->loop); /* who was late because of us is not in doubt */
}

static uint64_t sooner(uint64_t one, uint64_t other)
{
    return one < other ? one : other;
}

/* Doubled for each time that it was over. */
static uint64_t patience(const struct desk_box *box)
{
    const struct qos_desk_settings *settings = box->desk->settings;
    uint64_t ms = settings->ack_ms;

    for (unsigned round = 0; round < box->rounds && ms < settings->ack_ms_most; round++)
        ms *= 2;
    return ms < settings->ack_ms_most || settings->ack_ms_most < settings->ack_ms
               ? ms
               : settings->ack_ms_most;
}

/* box->oldest may be of one that has ended: it is looked at anew when it counts. */
bool desk_box_is_late(struct desk_box *box)
{
    if (box->flights.count == 0)
        return false;
    box->oldest = desk_flights_oldest(&box->flights);
    return box->oldest + patience(box) <= desk_box_now(box);
}

static uint64_t late_at(const struct desk_box *box)
{
    const struct desk_doubt *doubt = &box->doubt;

    if (box->flights.count == 0 || doubt->is_due || (doubt->asked && doubt->was_due))
        return DESK_NONE;
    return box->oldest + patience(box);
}

static uint64_t ask_at(const struct desk_box *box)
{
    return box->doubt.is_raised && !box->doubt.asked ? box->doubt.asked_at + DESK_PAUSE_MS
                                                     : DESK_NONE;
}

void desk_box_schedule(struct desk_box *box)
{
    const uint64_t now = desk_box_now(box);
    uint64_t at = sooner(late_at(box), desk_box_takeover_at(box));

    if (box->backlog.retry_at > 0)
        at = sooner(at, box->backlog.retry_at);
    at = sooner(at, ask_at(box));
    if (at == DESK_NONE)
        loop_timer_stop(&box->timer);
    else
        loop_timer_start(box->desk->loop, &box->timer, at > now ? at - now : 0);
}

void desk_box_on_timer(struct loop_timer *timer)
{
    struct desk_box *box = container_of(timer, struct desk_box, timer);
    const uint64_t now = desk_box_now(box);

    desk_box_hold(box);
    if (box->backlog.retry_at <= now)
        box->backlog.retry_at = 0;
    if (desk_box_takeover_at(box) <= now)
        desk_box_take_over(box);
    if (late_at(box) <= now)
        box->doubt.is_due = desk_box_is_late(box);
    desk_box_settle(box);
}
