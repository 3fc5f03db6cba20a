/* SPDX-License-Identifier: Apache-2.0 */
/* setDuration: the counted time online, told to who is there, and kept for users who are not. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/backend/delivery.h"
#include "api/backend/individuals.h"
#include "api/exchange.h"
#include "api/handlers.h"
#include "api/json_body.h"
#include "api/parameters.h"
#include "api/qos/qos_text.h"
#include "api/reply.h"
#include "base/mem.h"
#include "sse/message.h"

/* Those who were there, before it is stored for the others. */
struct told {
    size_t count;
    char *shown; /* NULL: nothing */
};

/* Of the visit, and of those before it. */
static int64_t seconds_of(const struct broker_item *item)
{
    return (item->duration > 0 ? item->duration : 0) +
           (item->session_duration > 0 ? item->session_duration : 0);
}

static struct sse_message *duration_message(struct sse_target *target, int64_t seconds)
{
    char data[48];

    snprintf(data, sizeof(data), "{\"duration\":\"%" PRId64 "\"}", seconds);
    return sse_message_new("sse-set-duration", target, data);
}

static void answer_told(struct api_exchange *exchange, size_t count, size_t stored,
                        const char *shown)
{
    struct buf text = BUF_INIT;

    api_audit_answer(exchange, 200, (int64_t)count);
    buf_printf(&text, "{\"count\":%zu,\"stored\":%zu", count, stored);
    individuals_append_shown(&text, shown);
    buf_append_char(&text, '}');
    api_reply_data(exchange, &text);
}

static void told_free(struct told *told)
{
    free(told->shown);
    free(told);
}

/* Those who have come meanwhile are added. */
static void add_told(struct told *told, const struct delivery *later,
                     const struct broker_results *published)
{
    const char *shown = individuals_shown(later, published);
    struct buf all = BUF_INIT;

    told->count += published->items[0].count;
    if (!shown)
        return;
    buf_append_str(&all, told->shown);
    buf_append_str(&all, shown);
    free(told->shown);
    told->shown = buf_detach(&all);
}

static void on_stored(struct delivery *later, const struct broker_results *published)
{
    struct told *told = later->context;

    if (published->status < 0) {
        api_reply_error(later->exchange, 503,
                        "%zu connections were told, but for those who are not there it cannot be "
                        "stored now, since %s; say it again later",
                        told->count, qos_text_fault(published->status));
    } else {
        add_told(told, later, published);
        answer_told(later->exchange, told->count, published->items[0].stored, told->shown);
    }
    told_free(told);
}

/* A connection that is not there does not come back; the others may. */
static bool can_wait(const struct broker_item *item)
{
    return item->message->target.dimension != SSE_BY_CONNECTION;
}

/* Those whom it has reached nowhere. False: there is none. */
static bool find_absent(const struct sse_target *target, const struct broker_result *result,
                        struct sse_target *absent)
{
    bool *is_absent = mem_zalloc((target->count + 1) * sizeof(bool));

    for (size_t i = 0; i < target->count; i++)
        is_absent[i] = result->reached[i] == 0;
    sse_target_narrow(absent, target, is_absent);
    free(is_absent);
    return absent->count > 0;
}

/* Another message: the first one has its place in the order already, without them. */
static void store(const struct delivery *delivery, const struct broker_results *published,
                  struct sse_target *absent)
{
    struct delivery *later = delivery_new(delivery->service, delivery->exchange, 1);
    const struct broker_item *before = &delivery->batch->items[0];
    struct broker_item *item = &later->batch->items[0];
    struct told *told = mem_zalloc(sizeof(*told));

    told->count = published->items[0].count;
    told->shown = mem_strdup(individuals_shown(delivery, published));
    item->duration = before->duration;
    item->session_duration = before->session_duration;
    item->message = duration_message(absent, seconds_of(item));
    item->message->is_stored = true;
    item->shown_most = before->shown_most - published->items[0].shown_count;
    later->wants_shown = delivery->wants_shown;
    later->has_names = true;
    later->context = told;
    later->done = on_stored;
    delivery_start(later);
}

static void on_told(struct delivery *delivery, const struct broker_results *published)
{
    const struct broker_result *result = &published->items[0];
    const struct broker_item *item = &delivery->batch->items[0];
    struct sse_target absent;

    if (can_wait(item) && find_absent(broker_item_target(item), result, &absent))
        store(delivery, published, &absent);
    else
        answer_told(delivery->exchange, result->count, 0, individuals_shown(delivery, published));
}

/* One of the two, or both. */
static bool is_said(struct api_exchange *exchange, const struct broker_item *item)
{
    if (item->duration >= 0 || item->session_duration >= 0)
        return true;
    api_reply_error(exchange, 422,
                    "\"duration\" must be a whole number of seconds from 0 to %" PRId64,
                    API_MOST_SECONDS);
    return false;
}

static void start(struct delivery *delivery)
{
    struct broker_item *item = &delivery->batch->items[0];

    item->message = duration_message(&item->target, seconds_of(item));
    item->wants_reached = can_wait(item);
    delivery->done = on_told;
    delivery_start(delivery);
}

void api_handle_set_duration(struct api_exchange *exchange)
{
    json_t *body = api_json_body_members(exchange);
    struct delivery *delivery = body ? individuals_select(exchange, body) : NULL;

    if (delivery && individuals_read(exchange, body, delivery) &&
        is_said(exchange, &delivery->batch->items[0]))
        start(delivery);
    else if (delivery)
        delivery_free(delivery);
    json_decref(body);
}
