/* SPDX-License-Identifier: Apache-2.0 */
/* disconnectUser and setDuration. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/backend/delivery.h"
#include "api/backend/revocation.h"
#include "api/exchange.h"
#include "api/handlers.h"
#include "api/json_body.h"
#include "api/reply.h"
#include "sse/event.h"
#include "sse/message.h"
#include "sse/registry.h"
#include "sse/service.h"

#define INDIVIDUALS (1u << SSE_BY_USER | 1u << SSE_BY_TOKEN | 1u << SSE_BY_CONNECTION)

/* The longest that a page may be told to wait: a day. */
#define MAX_RECONNECT_MS 86400000
#define MAX_DURATION_S   (INT64_C(100) * 365 * 24 * 3600)

/* A delivery with one item for those whom the body selects; else it has answered. The body is the
 * delivery's from then on. */
static struct delivery *select_individuals(struct api_exchange *exchange, json_t *body)
{
    struct delivery *delivery = delivery_new(exchange->service, exchange, 1);
    char fault[400];

    delivery->source = body;
    if (sse_target_from_json(&delivery->items[0].target, body, INDIVIDUALS, fault, sizeof(fault)) ==
        0)
        return delivery;
    api_reply_error(exchange, 422, "%s", fault);
    delivery_free(delivery);
    return NULL;
}

static void answer_count(struct delivery *delivery)
{
    api_reply_json(delivery->exchange,
                   json_pack("{s:I}", "count", (json_int_t)delivery->items[0].count));
}

/* reason: NULL when the body has none. */
static bool read_reason(const json_t *body, const char **reason)
{
    const json_t *value = json_object_get(body, "reason");

    *reason = json_string_value(value);
    if (!value || json_is_null(value))
        return true;
    return *reason &&
           sse_event_check_field(*reason, json_string_length(value), SSE_EVENT_MAX_NAME) == 0;
}

/* false: stay away; a number: come back after so many ms; nothing: as usual. */
static bool read_reconnect(const json_t *body, int64_t *reconnect_ms)
{
    const json_t *value = json_object_get(body, "reconnect");

    *reconnect_ms = -1;
    if (!value || json_is_null(value))
        return true;
    if (json_is_false(value)) {
        *reconnect_ms = 0;
        return true;
    }
    *reconnect_ms = json_integer_value(value);
    return json_is_integer(value) && *reconnect_ms > 0 && *reconnect_ms <= MAX_RECONNECT_MS;
}

/* Who is to stay away cannot come back by what it showed, unless the body says otherwise. */
static bool read_revoke(const json_t *body, int64_t reconnect_ms, bool *revokes)
{
    const json_t *value = json_object_get(body, "revoke");

    *revokes = json_is_true(value);
    if (value && !json_is_null(value))
        return json_is_boolean(value);
    *revokes = reconnect_ms <= 0;
    return true;
}

static void start_kick(struct delivery *delivery, bool revokes)
{
    if (revokes)
        revocation_start(delivery);
    else
        delivery_start(delivery);
}

void api_handle_disconnect_user(struct api_exchange *exchange)
{
    json_t *body = api_json_body_object(exchange);
    struct delivery *delivery = body ? select_individuals(exchange, body) : NULL;
    struct delivery_item *item;
    bool revokes;

    if (!delivery)
        return;
    item = &delivery->items[0];
    item->reason = SSE_CLOSE_KICKED;
    delivery->done = answer_count;
    if (!read_reason(body, &item->text))
        api_reply_error(exchange, 422,
                        "\"reason\" must be a text of at most %u bytes without line "
                        "breaks",
                        SSE_EVENT_MAX_NAME);
    else if (!read_reconnect(body, &item->reconnect_ms))
        api_reply_error(exchange, 422,
                        "\"reconnect\" must be false, or a number of milliseconds "
                        "from 1 to %d",
                        MAX_RECONNECT_MS);
    else if (!read_revoke(body, item->reconnect_ms, &revokes))
        api_reply_error(exchange, 422, "\"revoke\" must be true or false");
    else {
        start_kick(delivery, revokes);
        return;
    }
    delivery_free(delivery);
}

static void set_group(const struct sse_group *group, int64_t seconds)
{
    for (size_t i = 0; group && i < group->count; i++)
        group->members[i]->session_duration = seconds;
}

static void set_durations(struct delivery *delivery, const struct api_service *service)
{
    const struct sse_registry *registry = service->core->registry;
    const struct sse_target *target = delivery_target(&delivery->items[0]);
    const int64_t seconds = json_integer_value(json_object_get(delivery->source, "duration"));

    for (size_t i = 0; i < target->count; i++) {
        const char *value = target->values[i];
        struct sse_connection *connection;

        if (target->dimension != SSE_BY_CONNECTION) {
            set_group(sse_registry_group(registry, (enum sse_group_kind)target->dimension, value),
                      seconds);
            continue;
        }
        connection = sse_registry_find(registry, value);
        if (connection)
            connection->session_duration = seconds;
    }
}

static struct sse_message *duration_message(struct sse_target *target, int64_t seconds)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRId64, seconds);
    return sse_message_new("sse-set-duration", target, json_pack("{s:s}", "duration", text));
}

void api_handle_set_duration(struct api_exchange *exchange)
{
    json_t *body = api_json_body_object(exchange);
    struct delivery *delivery = body ? select_individuals(exchange, body) : NULL;
    struct delivery_item *item;
    const json_t *value;

    if (!delivery)
        return;
    value = json_object_get(body, "duration");
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        json_integer_value(value) > MAX_DURATION_S) {
        api_reply_error(exchange, 422,
                        "\"duration\" must be a whole number of seconds from 0 to %" PRId64,
                        MAX_DURATION_S);
        delivery_free(delivery);
        return;
    }
    item = &delivery->items[0];
    item->message = duration_message(&item->target, json_integer_value(value));
    delivery->prepare = set_durations;
    delivery->done = answer_count;
    delivery_start(delivery);
}
