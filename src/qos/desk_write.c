/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/mem.h"
#include "qos/desk_box.h"

bool desk_box_has_backlog(const struct desk_box *box)
{
    const struct desk_backlog *backlog = &box->backlog;

    return backlog->has_more && backlog->cursor + 1 < backlog->first;
}

static bool has_room(const struct desk_box *box)
{
    return box->flights.count < box->desk->settings->window;
}

bool desk_box_is_open(const struct desk_box *box)
{
    return !box->backlog.has_more && !box->run.asked && list_is_empty(&box->waiting) &&
           has_room(box);
}

static bool can_read(const struct desk_box *box)
{
    if (!box->backlog.has_more || box->reading || box->run.asked || box->backlog.retry_at > 0 ||
        !has_room(box))
        return false;
    return desk_box_has_backlog(box) ? desk_box_has_receiver(box) : list_is_empty(&box->waiting);
}

bool desk_box_pump(struct desk_box *box)
{
    const struct qos_desk *desk = box->desk;
    size_t limit;

    if (!can_read(box))
        return false;
    limit = desk->settings->window - box->flights.count;
    if (limit > desk->settings->batch)
        limit = desk->settings->batch;
    box->backlog.has_new = false;
    box->reading = desk_box_question(box);
    desk->ops->read(desk->context, box->reading, &box->recipient, box->backlog.cursor, limit);
    return true;
}

static void acknowledge_written(struct desk_box *box, uint64_t number, uint32_t written,
                                bool is_silent)
{
    const struct qos_desk *desk = box->desk;

    if (desk->settings->ack_on_write || is_silent)
        desk->ops->acknowledge(desk->context, number, &box->recipient, written);
}

/* Where the receiver has had the copy from, as one of those to whom it went; 0: it has not. */
static uint64_t had_at(const struct desk_box *box, const struct qos_copy *copy)
{
    const struct qos_desk *desk = box->desk;
    uint64_t position;

    if (copy->message->number <= box->backlog.again_to)
        return 0;
    position = desk->ops->position(desk->context, copy->message->id);
    return position > 0 && qos_client_has(&box->receiver.client, position) ? position : 0;
}

static void adopt(struct desk_box *box, const struct qos_copy *copy, uint64_t position)
{
    const uint64_t number = copy->message->number;
    /* From the history, when nobody had been there. */
    const uint32_t written = copy->written > 0 ? copy->written : 1;

    box->backlog.cursor = number;
    desk_box_fly(
        box, &(struct desk_flight){
                 .number = number, .position = position, .written = written, .is_confirmed = true});
    acknowledge_written(box, number, written, box->receiver.client.is_silent);
}

static void write_all(struct desk_box *box, const struct qos_copy *copy)
{
    const struct qos_desk *desk = box->desk;
    const uint64_t number = copy->message->number;
    struct desk_flight *flight;
    uint64_t position;

    box->backlog.cursor = number;
    box->backlog.first = number + 1;
    desk_box_fly(box, &(struct desk_flight){.number = number, .written = copy->written});
    position = desk->ops->write_all(desk->context, copy);
    flight = desk_flights_find(&box->flights, number);
    if (flight && flight->serial == 0)
        flight->position = position;
}

static bool goes_to_receiver(const struct desk_box *box, const struct qos_copy *copy)
{
    const uint64_t number = copy->message->number;

    return number < box->backlog.first && has_room(box) &&
           !desk_flights_find(&box->flights, number) && had_at(box, copy) == 0;
}

/* As many of these as go to the receiver; at least the first does. */
static size_t write_run(struct desk_box *box, const struct qos_copy *copies, size_t count)
{
    const struct qos_desk *desk = box->desk;
    const struct qos_client client = box->receiver.client;
    struct desk_run *run = &box->run;

    run->numbers = mem_alloc(count * sizeof(*run->numbers));
    run->serial = box->receiver.serial;
    run->is_silent = client.is_silent;
    run->count = 0;
    do {
        const uint64_t number = copies[run->count].message->number;

        run->numbers[run->count] = number;
        box->backlog.cursor = number;
        desk_box_fly(box, &(struct desk_flight){.number = number,
                                                .written = copies[run->count].written + 1,
                                                .serial = run->serial,
                                                .is_confirmed = true});
        run->count++;
    } while (run->count < count && goes_to_receiver(box, &copies[run->count]));
    count = run->count;
    run->asked = desk_box_question(box);
    box->moved_at = desk_box_now(box);
    desk->ops->write_one(desk->context, run->asked, &client, copies, count);
    return count;
}

/* Goes over what was read until something has to be waited for. How many are done with. */
static size_t take(struct desk_box *box, const struct qos_copy *copies, size_t count)
{
    const unsigned returns = box->backlog.returns;
    size_t i = 0;

    while (i < count && box->backlog.returns == returns && !box->run.asked) {
        const uint64_t number = copies[i].message->number;
        uint64_t position;

        if (desk_flights_find(&box->flights, number)) {
            box->backlog.cursor = number;
        } else if (!has_room(box) || (number < box->backlog.first && !desk_box_has_receiver(box))) {
            break;
        } else if (number >= box->backlog.first) {
            box->backlog.cursor = box->backlog.first - 1;
            if (!list_is_empty(&box->waiting))
                break;
            write_all(box, &copies[i]);
        } else if ((position = had_at(box, &copies[i])) > 0) {
            adopt(box, &copies[i], position);
        } else {
            return i + write_run(box, &copies[i], count - i);
        }
        i++;
    }
    return i;
}

void qos_desk_read(struct qos_desk *desk, uint64_t question, int status,
                   const struct qos_copy *copies, size_t count, bool is_all)
{
    struct desk_box *box = desk_box_asked(desk, question);
    struct desk_backlog *backlog = box ? &box->backlog : NULL;
    unsigned returns;

    if (!box || box->reading != question)
        return;
    desk_box_hold(box);
    box->reading = 0;
    returns = backlog->returns;
    if (status < 0) {
        backlog->retry_at = desk_box_now(box) + DESK_PAUSE_MS;
    } else if (take(box, copies, count) == count && is_all && !backlog->has_new &&
               backlog->returns == returns) {
        backlog->has_more = false;
        backlog->first = DESK_NONE;
    }
    desk_box_settle(box);
}

void desk_box_forget_run(struct desk_box *box)
{
    free(box->run.numbers);
    box->run = (struct desk_run){0};
}

/* What it had no room for is read again. */
static void put_back_untaken(struct desk_box *box, const struct desk_run *run, size_t taken)
{
    struct desk_backlog *backlog = &box->backlog;

    if (taken >= run->count)
        return;
    for (size_t i = taken; i < run->count; i++)
        desk_box_land(box, run->numbers[i]);
    if (run->numbers[taken] <= backlog->cursor)
        backlog->cursor = run->numbers[taken] - 1;
    backlog->has_more = true;
    backlog->returns++;
}

void qos_desk_wrote_one(struct qos_desk *desk, uint64_t question, size_t taken, bool is_gone)
{
    struct desk_box *box = desk_box_asked(desk, question);
    struct desk_run run;

    if (!box || box->run.asked != question)
        return;
    desk_box_hold(box);
    run = box->run;
    box->run = (struct desk_run){0};
    put_back_untaken(box, &run, taken);
    if (taken > 0)
        box->moved_at = desk_box_now(box);
    for (size_t i = 0; i < taken && i < run.count; i++) {
        const struct desk_flight *flight = desk_flights_find(&box->flights, run.numbers[i]);

        desk->report.resends++;
        if (flight)
            acknowledge_written(box, flight->number, flight->written, run.is_silent);
    }
    if (is_gone && run.serial == box->receiver.serial && desk_box_has_receiver(box))
        desk_box_lose_receiver(box);
    else if (is_gone)
        desk_box_put_back_run(box, run.serial);
    free(run.numbers);
    desk_box_settle(box);
}
