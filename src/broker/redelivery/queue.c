/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/redelivery/queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "qos/copies.h"

#define QUESTION_BITS  16u
#define FIRST_CAPACITY 4u

/* ---- consumers ---- */

bool consumer_has(const struct consumer *consumer, uint64_t position)
{
    return position > consumer->joined ||
           (position > consumer->resumed && position <= consumer->opened);
}

bool consumer_is_page_of(const struct consumer *consumer, const struct consumer *other)
{
    return consumer->instance != 0 && consumer->instance == other->instance;
}

/* ---- copies in flight ---- */

/* The first one that is not before this number. */
static size_t place_of(const struct in_flight_list *list, uint64_t number)
{
    size_t low = 0;
    size_t high = list->count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (list->items[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void count_one(struct in_flight_list *list, const struct in_flight *copy, size_t one)
{
    list->unconfirmed += copy->is_confirmed ? 0 : one;
    list->missed += copy->is_missed ? one : 0;
    list->untold += copy->is_done && !copy->is_told ? one : 0;
}

static void in_flight_add(struct in_flight_list *list, const struct in_flight *copy)
{
    const size_t at = place_of(list, copy->number);

    if (list->count == list->capacity) {
        list->capacity = list->capacity > 0 ? list->capacity * 2 : FIRST_CAPACITY;
        list->items = mem_realloc(list->items, list->capacity * sizeof(struct in_flight));
    }
    memmove(&list->items[at + 1], &list->items[at], (list->count - at) * sizeof(struct in_flight));
    list->items[at] = *copy;
    list->count++;
    count_one(list, copy, 1);
}

struct in_flight *in_flight_find(const struct in_flight_list *list, uint64_t number)
{
    const size_t at = place_of(list, number);

    return at < list->count && list->items[at].number == number ? &list->items[at] : NULL;
}

static bool in_flight_remove(struct in_flight_list *list, uint64_t number)
{
    struct in_flight *copy = in_flight_find(list, number);

    if (!copy)
        return false;
    count_one(list, copy, (size_t)-1);
    list->count--;
    memmove(copy, copy + 1, (size_t)(&list->items[list->count] - copy) * sizeof(struct in_flight));
    return true;
}

void in_flight_confirm(struct in_flight_list *list, struct in_flight *copy, bool is_missed)
{
    count_one(list, copy, (size_t)-1);
    copy->is_confirmed = true;
    copy->is_missed = is_missed;
    count_one(list, copy, 1);
}

void in_flight_set_done(struct in_flight_list *list, struct in_flight *copy, bool is_told)
{
    count_one(list, copy, (size_t)-1);
    copy->is_done = true;
    copy->is_told = is_told;
    count_one(list, copy, 1);
}

void in_flight_set_count(struct in_flight_list *list, size_t count)
{
    list->count = count;
    list->unconfirmed = 0;
    list->missed = 0;
    list->untold = 0;
    for (size_t i = 0; i < count; i++)
        count_one(list, &list->items[i], 1);
}

static uint64_t in_flight_oldest(const struct in_flight_list *list)
{
    uint64_t oldest = UINT64_MAX;

    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].since < oldest)
            oldest = list->items[i].since;
    }
    return oldest;
}

uint64_t in_flight_position(const struct queue *queue, const struct in_flight *copy)
{
    const struct redelivery_write *write;

    if (copy->position < QUEUE_WRITE_ID)
        return copy->position;
    write = table_find(&queue->redelivery->writes, &copy->position);
    return write ? write->position : REDELIVERY_UNKNOWN;
}

bool in_flight_is_pending(const struct queue *queue)
{
    const struct in_flight_list *list = &queue->in_flight;

    for (size_t i = 0; list->unconfirmed > 0 && i < list->count; i++) {
        if (in_flight_position(queue, &list->items[i]) == REDELIVERY_UNKNOWN)
            return true;
    }
    return false;
}

uint64_t in_flight_missing(const struct queue *queue, const struct consumer *consumer)
{
    uint64_t lowest = 0;

    for (size_t i = 0; i < queue->in_flight.count; i++) {
        const uint64_t position = in_flight_position(queue, &queue->in_flight.items[i]);

        if (position == 0 || (consumer && consumer_has(consumer, position)))
            continue;
        if (lowest == 0 || position < lowest)
            lowest = position;
    }
    return lowest;
}

uint64_t in_flight_last(const struct queue *queue)
{
    uint64_t highest = 0;

    for (size_t i = 0; i < queue->in_flight.count; i++) {
        const uint64_t position = in_flight_position(queue, &queue->in_flight.items[i]);

        if (position > highest)
            highest = position;
    }
    return highest;
}

/* ---- which queues there are ---- */

/* The lowest digit first: the keys of thousands are made in a turn, and printf() takes long. */
static char *write_digits(char *to, uint64_t number)
{
    for (; number > 0; number /= 16)
        *to++ = "0123456789abcdef"[number % 16];
    return to;
}

/* The length keeps apart what the texts alone would not. */
static const char *key_of(struct redelivery *redelivery, const struct qos_recipient *recipient)
{
    const size_t length = strlen(recipient->value);
    char digits[2 * sizeof(length)];

    buf_clear(&redelivery->key);
    buf_append_char(&redelivery->key, (char)('a' + (int)recipient->dimension));
    buf_append(&redelivery->key, digits, (size_t)(write_digits(digits, length) - digits));
    buf_append_char(&redelivery->key, ' ');
    buf_append(&redelivery->key, recipient->value, length);
    buf_append_str(&redelivery->key, recipient->listening);
    return buf_str(&redelivery->key);
}

struct queue *queue_find(struct redelivery *redelivery, const struct qos_recipient *recipient)
{
    return table_find(&redelivery->by_key, key_of(redelivery, recipient));
}

struct queue *queue_asked(struct redelivery *redelivery, uint64_t question)
{
    const uint64_t number = question >> QUESTION_BITS;

    return table_find(&redelivery->by_number, &number);
}

uint64_t queue_question(struct queue *queue)
{
    queue->questions++;
    return (queue->number << QUESTION_BITS) | queue->questions;
}

struct queue *queue_new(struct redelivery *redelivery, const struct qos_recipient *recipient,
                        void (*on_timer)(struct loop_timer *timer))
{
    const char *key = key_of(redelivery, recipient);
    const size_t key_size = strlen(key) + 1;
    const size_t value_size = strlen(recipient->value) + 1;
    const size_t listening_size = strlen(recipient->listening) + 1;
    struct queue *queue = mem_zalloc(sizeof(*queue) + key_size + value_size + listening_size);

    queue->redelivery = redelivery;
    memcpy(queue->key, key, key_size);
    memcpy(queue->key + key_size, recipient->value, value_size);
    memcpy(queue->key + key_size + value_size, recipient->listening, listening_size);
    queue->number = ++redelivery->named;
    queue->recipient.dimension = recipient->dimension;
    queue->recipient.value = queue->key + key_size;
    queue->recipient.listening = queue->key + key_size + value_size;
    queue->is_group = !qos_recipient_is_individual(recipient);
    queue->backlog.first = QUEUE_NONE;
    queue->timer.on_fire = on_timer;
    list_init(&queue->standbys);
    table_add(&redelivery->by_key, &queue->by_key);
    table_add(&redelivery->by_number, &queue->by_number);
    redelivery->report.queues++;
    return queue;
}

void queue_free(struct queue *queue)
{
    struct redelivery *redelivery = queue->redelivery;

    loop_timer_stop(&queue->timer);
    list_for_each_safe(node, after, &queue->standbys)
        queue_remove_standby(queue, container_of(node, struct standby, node));
    table_remove(&redelivery->by_key, &queue->by_key);
    table_remove(&redelivery->by_number, &queue->by_number);
    redelivery->report.queues--;
    redelivery->report.in_flight -= queue->in_flight.count;
    free(queue->in_flight.items);
    queue_forget_batch(queue);
    free(queue);
}

/* ---- their copies ---- */

uint64_t queue_now(const struct queue *queue)
{
    return loop_served_ms(queue->redelivery->loop); /* who was late because of us is not blamed */
}

void queue_add_in_flight(struct queue *queue, const struct in_flight *copy)
{
    struct in_flight started = *copy;

    started.since = queue_now(queue);
    if (queue->in_flight.count == 0)
        queue->oldest = started.since;
    in_flight_add(&queue->in_flight, &started);
    queue->redelivery->report.in_flight++;
}

bool queue_remove_in_flight(struct queue *queue, uint64_t number)
{
    if (!in_flight_remove(&queue->in_flight, number))
        return false;
    queue->redelivery->report.in_flight--;
    return true;
}

/* Doubled for each time that it was over. */
static uint64_t patience(const struct queue *queue)
{
    const struct redelivery_settings *settings = queue->redelivery->settings;
    uint64_t ms = settings->ack_ms;

    for (unsigned round = 0; round < queue->rounds && ms < settings->ack_ms_most; round++)
        ms *= 2;
    return ms < settings->ack_ms_most || settings->ack_ms_most < settings->ack_ms
               ? ms
               : settings->ack_ms_most;
}

/* queue->oldest may be of one that has ended: it is looked at anew when it counts. */
uint64_t queue_late_at(struct queue *queue)
{
    if (queue->in_flight.count == 0)
        return QUEUE_NONE;
    if (queue->oldest + patience(queue) <= queue_now(queue))
        queue->oldest = in_flight_oldest(&queue->in_flight);
    return queue->oldest + patience(queue);
}

bool queue_has_room(const struct queue *queue)
{
    return queue->in_flight.count < queue->redelivery->settings->window;
}

bool queue_has_backlog(const struct queue *queue)
{
    return queue->backlog.has_more && queue->backlog.cursor + 1 < queue->backlog.first;
}

bool queue_is_open(const struct queue *queue)
{
    return !queue->is_elsewhere && !queue->backlog.has_more && !queue->batch.asked &&
           list_is_empty(&queue->standbys) && queue_has_room(queue);
}

void queue_forget_batch(struct queue *queue)
{
    free(queue->batch.numbers);
    queue->batch = (struct redelivery_batch){0};
}

/* ---- their consumers ---- */

bool queue_has_active(const struct queue *queue)
{
    return queue->active.id[0] != '\0';
}

bool queue_is_active(const struct queue *queue, const char *connection_id)
{
    return queue_has_active(queue) && strcmp(queue->active.id, connection_id) == 0;
}

struct standby *queue_add_standby(struct queue *queue, const struct consumer *consumer)
{
    struct standby *standby = mem_zalloc(sizeof(*standby));

    standby->consumer = *consumer;
    standby->since = queue_now(queue);
    list_append(&queue->standbys, &standby->node);
    queue->redelivery->report.standbys++;
    return standby;
}

void queue_remove_standby(struct queue *queue, struct standby *standby)
{
    list_remove(&standby->node);
    queue->redelivery->report.standbys--;
    free(standby);
}

struct standby *queue_standby(const struct queue *queue, const char *connection_id)
{
    list_for_each(node, &queue->standbys) {
        struct standby *standby = container_of(node, struct standby, node);

        if (strcmp(standby->consumer.id, connection_id) == 0)
            return standby;
    }
    return NULL;
}

struct standby *queue_last_standby(const struct queue *queue)
{
    return list_is_empty(&queue->standbys)
               ? NULL
               : container_of(queue->standbys.prev, struct standby, node);
}
