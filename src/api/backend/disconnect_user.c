/* SPDX-License-Identifier: Apache-2.0 */
/* disconnectUser: ends the connections of some, and keeps them away. */
#include "api/backend/delivery.h"
#include "api/backend/individuals.h"
#include "api/backend/revocation.h"
#include "api/exchange.h"
#include "api/handlers.h"
#include "api/json_body.h"
#include "api/qos/qos_text.h"
#include "api/reply.h"
#include "auth/auth.h"
#include "base/mem.h"
#include "sse/event.h"

/* The longest that a page may be told to wait: a day. */
#define MAX_RECONNECT_MS 86400000

static void answer_closed(struct api_exchange *exchange, size_t count, const char *shown)
{
    struct buf text = BUF_INIT;

    api_audit_answer(exchange, 200, (int64_t)count);
    buf_printf(&text, "{\"count\":%zu", count);
    individuals_append_shown(&text, shown);
    buf_append_char(&text, '}');
    api_reply_data(exchange, &text);
}

static void answer_count(struct delivery *delivery, const struct broker_results *published)
{
    answer_closed(delivery->exchange, published->items[0].count,
                  individuals_shown(delivery, published));
}

static void answer_revoked(struct api_exchange *exchange, size_t count, const char *shown,
                           int status)
{
    if (status == 0)
        answer_closed(exchange, count, shown);
    else
        api_reply_error(exchange, 503,
                        "%zu connections were closed, and what they showed counts no more; but "
                        "that could not be stored, so that a restart would forget it: %s; ask "
                        "again later",
                        count, qos_text_fault(status));
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
    if (revokes && delivery->exchange->service->auth->ops->revoke)
        revocation_start(delivery, answer_revoked);
    else
        delivery_start(delivery);
}

/* What the body says of it. False: it has answered. */
static bool read_kick(struct api_exchange *exchange, const json_t *body, struct delivery *delivery,
                      bool *revokes)
{
    struct broker_item *item = &delivery->batch->items[0];
    const char *reason;

    if (!read_reason(body, &reason))
        api_reply_error(exchange, 422,
                        "\"reason\" must be a text of at most %u bytes without line "
                        "breaks",
                        SSE_EVENT_MAX_NAME);
    else if (!read_reconnect(body, &item->reconnect_ms))
        api_reply_error(exchange, 422,
                        "\"reconnect\" must be false, or a number of milliseconds "
                        "from 1 to %d",
                        MAX_RECONNECT_MS);
    else if (!read_revoke(body, item->reconnect_ms, revokes))
        api_reply_error(exchange, 422, "\"revoke\" must be true or false");
    else if (individuals_read(exchange, body, delivery)) {
        item->reason = SSE_CLOSE_KICKED;
        item->text = mem_strdup(reason);
        return true;
    }
    return false;
}

void api_handle_disconnect_user(struct api_exchange *exchange)
{
    json_t *body = api_json_body_members(exchange);
    struct delivery *delivery = body ? individuals_select(exchange, body) : NULL;
    bool revokes = false;

    if (delivery) {
        api_audit_note_target(exchange, &delivery->batch->items[0].target);
        delivery->done = answer_count;
        if (read_kick(exchange, body, delivery, &revokes)) {
            exchange->audit.is_revoking = revokes;
            start_kick(delivery, revokes);
        } else {
            delivery_free(delivery);
        }
    }
    json_decref(body);
}
