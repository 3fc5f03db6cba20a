/* SPDX-License-Identifier: Apache-2.0 */
/* setDuration: the counted time online, told to who is there, and kept for users who are not. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/backend/delivery.h"
#include "api/backend/individuals.h"
#include "api/exchange.h"
#include "api/handlers.h"
#include "api/json_body.h"
#include "api/parameters.h"
#include "api/qos/qos_send.h"
#include "api/qos/qos_text.h"
#include "api/reply.h"
#include "base/mem.h"
#include "sse/message.h"
#include "sse/registry.h"
#include "sse/service.h"
#include "sse/user.h"

/* Of its members those that are meant by the value. */
static void set_group(const struct sse_group *group, const struct sse_target *target,
                      const char *value, int64_t seconds)
{
    for (size_t i = 0; group && i < group->count; i++) {
        struct sse_connection *connection = group->members[i];

        if (target->dimension != SSE_BY_USER || sse_user_is(connection->user, value))
            connection->session_duration = seconds;
    }
}

/* Of the visit, and of those before it. */
static int64_t seconds_of(const struct delivery *delivery)
{
    return json_integer_value(json_object_get(delivery->source, "duration")) +
           json_integer_value(json_object_get(delivery->source, "sessionDuration"));
}

static void set_durations(struct delivery *delivery, const struct api_service *service)
{
    const struct sse_registry *registry = service->core->registry;
    const struct sse_target *target = delivery_target(&delivery->items[0]);
    const int64_t seconds = seconds_of(delivery);

    for (size_t i = 0; i < target->count; i++) {
        const char *value = target->values[i];
        struct sse_connection *connection;

        if (target->dimension != SSE_BY_CONNECTION) {
            set_group(sse_registry_group(registry, (enum sse_group_kind)target->dimension, value),
                      target, value, seconds);
            continue;
        }
        connection = sse_registry_find(registry, value);
        if (connection)
            connection->session_duration = seconds;
    }
}

static struct sse_message *duration_message(struct sse_target *target, int64_t seconds)
{
    char data[48];

    snprintf(data, sizeof(data), "{\"duration\":\"%" PRId64 "\"}", seconds);
    return sse_message_new("sse-set-duration", target, data);
}

static void answer_told(struct api_exchange *exchange, const struct delivery_item *item)
{
    struct buf text = BUF_INIT;

    api_audit_answer(exchange, 200, (int64_t)item->count);
    buf_printf(&text, "{\"count\":%zu,\"stored\":%zu", item->count, item->stored);
    individuals_append_shown(&text, item);
    buf_append_char(&text, '}');
    api_reply_data(exchange, &text);
}

static void answer(struct delivery *delivery)
{
    const struct delivery_item *item = &delivery->items[0];

    if (delivery->status < 0)
        api_reply_error(delivery->exchange, 503,
                        "%zu connections were told, but for those who are not there it cannot be "
                        "stored now, since %s; say it again later",
                        item->count, qos_text_fault(delivery->status));
    else
        answer_told(delivery->exchange, item);
}

/* A connection that is not there does not come back; the others may. */
static bool can_wait(const struct delivery_item *item)
{
    return item->message->target.dimension != SSE_BY_CONNECTION;
}

/* Those whom it has reached nowhere. False: there is none. */
static bool find_absent(const struct delivery_item *item, struct sse_target *absent)
{
    const struct sse_target *target = &item->message->target;
    bool *is_absent = mem_zalloc((target->count + 1) * sizeof(bool));

    for (size_t i = 0; i < target->count; i++)
        is_absent[i] = item->reached[i] == 0;
    sse_target_narrow(absent, target, is_absent);
    free(is_absent);
    return absent->count > 0;
}

/* Another message: the first one has its place in the order already, without them. */
static void store(const struct delivery *told, struct sse_target *absent)
{
    struct delivery *later = delivery_new(told->service, told->exchange, 1);
    struct delivery_item *item = &later->items[0];

    later->source = json_incref(told->source);
    item->message = duration_message(absent, seconds_of(told));
    item->message->is_stored = true;
    item->count = told->items[0].count; /* those who have come meanwhile are added */
    item->wants_shown = told->items[0].wants_shown;
    item->shown_count = told->items[0].shown_count;
    buf_append_str(&item->shown, buf_str(&told->items[0].shown));
    later->prepare = set_durations;
    later->done = answer;
    qos_send_begin(later);
    delivery_start(later);
}

static void on_told(struct delivery *delivery)
{
    struct sse_target absent;

    if (can_wait(&delivery->items[0]) && find_absent(&delivery->items[0], &absent))
        store(delivery, &absent);
    else
        answer(delivery);
}

/* One of the two, or both. */
static bool is_said(struct api_exchange *exchange, const struct delivery_item *item)
{
    if (item->duration >= 0 || item->session_duration >= 0)
        return true;
    api_reply_error(exchange, 422,
                    "\"duration\" must be a whole number of seconds from 0 to %" PRId64,
                    API_MOST_SECONDS);
    return false;
}

void api_handle_set_duration(struct api_exchange *exchange)
{
    json_t *body = api_json_body_members(exchange);
    struct delivery *delivery = body ? individuals_select(exchange, body) : NULL;
    struct delivery_item *item;

    if (!delivery)
        return;
    item = &delivery->items[0];
    if (!individuals_read(exchange, body, item) || !is_said(exchange, item)) {
        delivery_free(delivery);
        return;
    }
    item->message = duration_message(&item->target, seconds_of(delivery));
    item->wants_reached = can_wait(item);
    delivery->prepare = set_durations;
    delivery->done = on_told;
    delivery_start(delivery);
}
