/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/desk_box.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "qos/recipient.h"

#define QUESTION_BITS 16u

/* The lowest digit first: the keys of thousands are made in a turn, and printf() takes long. */
static char *write_digits(char *to, uint64_t number)
{
    for (; number > 0; number /= 16)
        *to++ = "0123456789abcdef"[number % 16];
    return to;
}

/* The length keeps apart what the texts alone would not. */
static const char *key_of(struct qos_desk *desk, const struct qos_recipient *recipient)
{
    const size_t length = strlen(recipient->value);
    char digits[2 * sizeof(length)];

    buf_clear(&desk->key);
    buf_append_char(&desk->key, (char)('a' + (int)recipient->dimension));
    buf_append(&desk->key, digits, (size_t)(write_digits(digits, length) - digits));
    buf_append_char(&desk->key, ' ');
    buf_append(&desk->key, recipient->value, length);
    buf_append_str(&desk->key, recipient->listening);
    return buf_str(&desk->key);
}

struct desk_box *desk_box_find(struct qos_desk *desk, const struct qos_recipient *recipient)
{
    return table_find(&desk->by_key, key_of(desk, recipient));
}

struct desk_box *desk_box_asked(struct qos_desk *desk, uint64_t question)
{
    const uint64_t number = question >> QUESTION_BITS;

    return table_find(&desk->by_number, &number);
}

uint64_t desk_box_question(struct desk_box *box)
{
    box->questions++;
    return (box->number << QUESTION_BITS) | box->questions;
}

struct desk_box *desk_box_new(struct qos_desk *desk, const struct qos_recipient *recipient)
{
    const char *key = key_of(desk, recipient);
    const size_t key_size = strlen(key) + 1;
    const size_t value_size = strlen(recipient->value) + 1;
    const size_t listening_size = strlen(recipient->listening) + 1;
    struct desk_box *box = mem_zalloc(sizeof(*box) + key_size + value_size + listening_size);

    box->desk = desk;
    memcpy(box->key, key, key_size);
    memcpy(box->key + key_size, recipient->value, value_size);
    memcpy(box->key + key_size + value_size, recipient->listening, listening_size);
    box->number = ++desk->named;
    box->recipient.dimension = recipient->dimension;
    box->recipient.value = box->key + key_size;
    box->recipient.listening = box->key + key_size + value_size;
    box->is_group = !qos_recipient_is_individual(recipient);
    box->backlog.first = DESK_NONE;
    box->timer.on_fire = desk_box_on_timer;
    list_init(&box->waiting);
    table_add(&desk->by_key, &box->by_key);
    table_add(&desk->by_number, &box->by_number);
    desk->report.boxes++;
    return box;
}

void desk_box_free(struct desk_box *box)
{
    struct qos_desk *desk = box->desk;

    loop_timer_stop(&box->timer);
    while (!list_is_empty(&box->waiting))
        desk_box_stop_waiting(box, desk_box_last_waiter(box));
    table_remove(&desk->by_key, &box->by_key);
    table_remove(&desk->by_number, &box->by_number);
    desk->report.boxes--;
    desk->report.in_flight -= box->flights.count;
    desk_flights_release(&box->flights);
    desk_box_forget_run(box);
    free(box);
}

void desk_box_hold(struct desk_box *box)
{
    box->holds++;
}

/* One who waits is admitted when nothing is left to wait for. */
static bool is_over(const struct desk_box *box)
{
    return box->flights.count == 0 && !box->backlog.has_more && list_is_empty(&box->waiting);
}

void desk_box_settle(struct desk_box *box)
{
    if (box->holds > 1) {
        box->holds--;
        return;
    }
    while (desk_box_settle_missed(box) || desk_box_admit(box) || desk_box_ask(box) ||
           desk_box_pump(box)) {
    }
    box->holds = 0;
    if (is_over(box))
        desk_box_free(box);
    else
        desk_box_schedule(box);
}
