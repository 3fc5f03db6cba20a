/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands about some users, tokens or connections. disconnectUser ends connections, and keeps
 * their users away: what they showed is revoked. setDuration tells the counted time online to who
 * is there, and keeps it for users who are not.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/backend/send.h"
#include "api/exchange.h"
#include "api/input.h"
#include "api/limit.h"
#include "api/reply.h"
#include "api/routes.h"
#include "auth/auth.h"
#include "auth/denied.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "broker/revoking.h"
#include "sse/event.h"
#include "sse/message.h"

#define MOST_SHOWN  1000u
#define INDIVIDUALS (1u << SSE_BY_USER | 1u << SSE_BY_TOKEN | 1u << SSE_BY_CONNECTION)

static struct sse_command *command_of(const struct delivery *delivery)
{
    return delivery->batch->items[0].command;
}

/* What says whom it has reached: the command, or the message behind it. */
static struct broker_item *last_item(const struct delivery *delivery)
{
    return &delivery->batch->items[delivery->batch->count - 1];
}

static const struct broker_result *last_result(const struct broker_results *published)
{
    return &published->items[published->count - 1];
}

/* A delivery whose first item is a command for those whom the body selects; NULL: it has answered.
 */
static struct delivery *select_individuals(struct api_exchange *exchange, const json_t *body,
                                           enum sse_record_kind kind)
{
    const unsigned of_tenant =
        exchange->service->settings->core->users_unique == SSE_UNIQUE_IN_TENANT
            ? SSE_TARGET_OF_TENANT
            : 0;
    struct delivery *delivery = delivery_new(exchange, kind == SSE_RECORD_DURATION ? 2 : 1);
    struct sse_command *command = sse_command_new(kind);
    struct sse_target *target = &command->target;
    char fault[400];

    delivery->batch->items[0].command = command;
    if (sse_target_from_json(target, body, INDIVIDUALS | of_tenant, fault, sizeof(fault)) != 0)
        api_reply_error(exchange, 422, "%s", fault);
    else if (tenancy_admits_target(exchange, target))
        return delivery;
    delivery_free(delivery);
    return NULL;
}

/* Seconds; -1 where it is not said. False: they are none. */
static bool read_seconds(const json_t *body, const char *key, int64_t *seconds)
{
    const json_t *value = json_object_get(body, key);

    *seconds = value ? json_integer_value(value) : -1;
    return !value || (json_is_integer(value) && *seconds >= 0 && *seconds <= API_MOST_SECONDS);
}

/* What both commands take besides: "connections":true, which asks for those that were meant, and
 * "duration" and "sessionDuration" in seconds. False: it has answered. */
static bool read_common(struct api_exchange *exchange, const json_t *body,
                        struct delivery *delivery)
{
    struct sse_command *command = command_of(delivery);
    static const char *const keys[] = {"duration", "sessionDuration"};
    int64_t *const seconds[] = {&command->duration, &command->session_duration};
    const json_t *connections = json_object_get(body, "connections");

    for (size_t i = 0; i < COUNT(keys); i++) {
        if (read_seconds(body, keys[i], seconds[i]))
            continue;
        api_reply_error(exchange, 422,
                        "\"%s\" must be a whole number of seconds from 0 to %" PRId64, keys[i],
                        API_MOST_SECONDS);
        return false;
    }
    delivery->wants_shown = json_is_true(connections);
    last_item(delivery)->shown_most = delivery->wants_shown ? MOST_SHOWN : 0;
    if (connections && !json_is_boolean(connections))
        api_reply_error(exchange, 422, "\"connections\" must be true or false");
    else if (delivery->wants_shown && !(exchange->permissions & AUTH_MAY_QUERY))
        api_reply_error(exchange, 403,
                        "\"connections\" shows what the permission query is for, which this key "
                        "does not have");
    else
        return true;
    return false;
}

/* The connections that were meant, a line of JSON for each; NULL: they were not asked for. */
static const char *shown_of(const struct delivery *delivery, const struct broker_results *published)
{
    const char *shown = last_result(published)->shown;

    if (!delivery->wants_shown)
        return NULL;
    return shown ? shown : "";
}

/* Appends ,"connections":[…] of such lines; of NULL nothing. */
static void append_shown(struct buf *text, const char *shown)
{
    if (!shown)
        return;
    buf_append_str(text, ",\"connections\":[");
    for (const char *line = shown; *line;) {
        const size_t length = strcspn(line, "\n");

        json_text_next(text);
        buf_append(text, line, length);
        line += length + 1;
    }
    buf_append_char(text, ']');
}

/* stored: NULL where nothing could be. */
static void answer(struct api_exchange *exchange, size_t count, const size_t *stored,
                   const char *shown)
{
    struct buf text = BUF_INIT;

    api_audit_answer(exchange, 200, (int64_t)count);
    buf_printf(&text, "{\"count\":%zu", count);
    if (stored)
        buf_printf(&text, ",\"stored\":%zu", *stored);
    append_shown(&text, shown);
    buf_append_char(&text, '}');
    api_reply_data(exchange, &text);
}

static void start(struct delivery *delivery)
{
    for (size_t i = 0; i < delivery->batch->count; i++)
        target_name_tokens(broker_item_target(&delivery->batch->items[i]),
                           delivery->exchange->service->auth->ops->name_token);
    delivery_start(delivery);
}

/* ---- disconnectUser ---- */

static const char nobody_disconnected[] = "nobody was disconnected";

struct revocation {
    struct revoking base;
    struct delivery *delivery;
    struct api_exchange *exchange; /* a reference */
    bool has_closed;               /* those that there were; else it is not known whether */
    size_t closed;
    char *shown; /* as shown_of() */
};

static void note(void *context, const struct auth_denial *denial)
{
    const struct qos_revocation revocation = {denial->name, denial->issued_until, denial->until_ms};

    qos_revocations_add(context, &revocation);
}

static void revoke(void *context, const struct sse_credential *credential,
                   struct qos_revocations *kept)
{
    const struct auth_revocation revocation = {
        .user_key = credential->is_token ? NULL : credential->text,
        .access_token = credential->is_token ? credential->text : NULL,
        .note = kept ? note : NULL,
        .context = kept,
    };

    auth_revoke(context, &revocation);
}

static size_t unpack(const struct bytes *list, struct auth_denial *denials)
{
    struct qos_revocation revocation;
    size_t count = 0;
    size_t at = 0;

    for (; broker_revocations_next(list, &at, &revocation); count++)
        if (denials)
            denials[count] =
                (struct auth_denial){revocation.name, revocation.issued_until, revocation.until};
    return count;
}

static void restore(void *context, const struct broker_revocations *revocations)
{
    struct auth *auth = context;
    struct auth_denial *denials =
        mem_alloc((unpack(revocations->list, NULL) + 1) * sizeof(denials[0]));
    const size_t count = unpack(revocations->list, denials);

    if (auth->ops->restore)
        auth->ops->restore(auth, revocations->status, denials, count);
    free(denials);
}

struct broker_revoker revocation_revoker(struct auth *auth)
{
    return (struct broker_revoker){revoke, restore, auth};
}

/* status: 0 when a restart does not forget them. */
static void on_revocation_stored(struct revoking *base, int status)
{
    struct revocation *revocation = container_of(base, struct revocation, base);

    if (!revocation->has_closed)
        order_refuse(revocation->exchange, nobody_disconnected);
    else if (status == 0)
        answer(revocation->exchange, revocation->closed, NULL, revocation->shown);
    else
        api_reply_error(revocation->exchange, 503,
                        "%zu connections were closed, and what they showed counts no more; but "
                        "that could not be stored, so that a restart would forget it: %s; ask "
                        "again later",
                        revocation->closed, store_fault_text(status));
    api_exchange_unref(revocation->exchange);
    free(revocation->shown);
    free(revocation);
}

/* What was revoked is kept behind that: nobody stays because a disk is slow. */
static void on_revoked_closed(struct delivery *delivery, const struct broker_results *published)
{
    struct revocation *revocation = delivery->context;

    revocation->has_closed = published->status == 0;
    if (revocation->has_closed) {
        revocation->closed = published->items[0].count;
        revocation->shown = mem_strdup(shown_of(delivery, published));
    }
    revoking_keep(&revocation->base);
}

static void on_revoked(struct revoking *base, int status)
{
    struct revocation *revocation = container_of(base, struct revocation, base);

    if (status == 0) {
        start(revocation->delivery);
        return;
    }
    order_refuse(revocation->exchange, nobody_disconnected);
    delivery_free(revocation->delivery);
    api_exchange_unref(revocation->exchange);
    free(revocation);
}

static void start_revoking(struct delivery *delivery)
{
    struct revocation *revocation = mem_zalloc(sizeof(*revocation));

    revocation->base.done = on_revoked;
    revocation->base.stored = on_revocation_stored;
    revocation->delivery = delivery;
    revocation->exchange = api_exchange_ref(delivery->exchange);
    delivery->context = revocation;
    delivery->done = on_revoked_closed;
    revoking_start(&revocation->base, &delivery->exchange->service->broker,
                   &command_of(delivery)->target);
}

static void on_closed(struct delivery *delivery, const struct broker_results *published)
{
    if (published->status < 0)
        order_refuse(delivery->exchange, nobody_disconnected);
    else
        answer(delivery->exchange, published->items[0].count, NULL, shown_of(delivery, published));
}

/* The longest that a page may be told to wait: a day. */
#define MAX_RECONNECT_MS 86400000

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

/* What the body says of it. False: it has answered. */
static bool read_kick(struct api_exchange *exchange, const json_t *body, struct delivery *delivery,
                      bool *revokes)
{
    struct sse_command *command = command_of(delivery);
    const char *reason;

    if (!read_reason(body, &reason))
        api_reply_error(exchange, 422,
                        "\"reason\" must be a text of at most %u bytes without line "
                        "breaks",
                        SSE_EVENT_MAX_NAME);
    else if (!read_reconnect(body, &command->reconnect_ms))
        api_reply_error(exchange, 422,
                        "\"reconnect\" must be false, or a number of milliseconds "
                        "from 1 to %d",
                        MAX_RECONNECT_MS);
    else if (!read_revoke(body, command->reconnect_ms, revokes))
        api_reply_error(exchange, 422, "\"revoke\" must be true or false");
    else if (read_common(exchange, body, delivery)) {
        command->text = mem_strdup(reason);
        command->traceparent = mem_strdup(api_exchange_notified_traceparent(exchange));
        return true;
    }
    return false;
}

void api_handle_disconnect_user(struct api_exchange *exchange)
{
    json_t *body = api_json_body_members(exchange);
    struct delivery *delivery = body ? select_individuals(exchange, body, SSE_RECORD_KICK) : NULL;
    bool revokes = false;

    if (delivery) {
        api_audit_note_target(exchange, &command_of(delivery)->target);
        delivery->done = on_closed;
        if (!read_kick(exchange, body, delivery, &revokes))
            delivery_free(delivery);
        else if ((exchange->audit.is_revoking = revokes) && exchange->service->auth->ops->revoke)
            start_revoking(delivery);
        else
            start(delivery);
    }
    json_decref(body);
}

/* ---- setDuration ---- */

/* Those who were there, before it is stored for the others. */
struct told {
    size_t count;
    char *shown; /* NULL: nothing */
};

/* Of the visit, and of those before it. */
static int64_t seconds_of(const struct sse_command *command)
{
    return (command->duration > 0 ? command->duration : 0) +
           (command->session_duration > 0 ? command->session_duration : 0);
}

/* For those of its command. */
static struct sse_message *duration_message(const struct sse_command *command)
{
    struct sse_target target;
    char data[48];

    sse_target_narrow(&target, &command->target, NULL);
    snprintf(data, sizeof(data), "{\"duration\":\"%" PRId64 "\"}", seconds_of(command));
    return sse_message_new("sse-set-duration", &target, data);
}

/* Those who have come meanwhile are added. */
static void add_told(struct told *told, const struct delivery *later,
                     const struct broker_results *published)
{
    const char *shown = shown_of(later, published);
    struct buf all = BUF_INIT;

    told->count += last_result(published)->count;
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
                        told->count, store_fault_text(published->status));
    } else {
        add_told(told, later, published);
        answer(later->exchange, told->count, &last_result(published)->stored, told->shown);
    }
    free(told->shown);
    free(told);
}

/* A connection that is not there does not come back; the others may. */
static bool can_wait(const struct sse_command *command)
{
    return command->target.dimension != SSE_BY_CONNECTION;
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
    struct delivery *later = delivery_new(delivery->exchange, 2);
    struct sse_command *command = sse_command_new(SSE_RECORD_DURATION);
    struct broker_item *item = last_item(later);
    struct told *told = mem_zalloc(sizeof(*told));

    told->count = last_result(published)->count;
    told->shown = mem_strdup(shown_of(delivery, published));
    command->target = *absent;
    command->duration = command_of(delivery)->duration;
    command->session_duration = command_of(delivery)->session_duration;
    later->batch->items[0].command = command;
    item->message = duration_message(command);
    item->message->is_stored = true;
    item->shown_most =
        (uint16_t)(last_item(delivery)->shown_most - last_result(published)->shown_count);
    later->wants_shown = delivery->wants_shown;
    later->context = told;
    later->done = on_stored;
    delivery_start(later);
}

static void on_told(struct delivery *delivery, const struct broker_results *published)
{
    const struct broker_result *result = last_result(published);
    const struct sse_command *command = command_of(delivery);
    const size_t none = 0;
    struct sse_target absent;

    if (published->status < 0)
        order_refuse(delivery->exchange, "nobody was told");
    else if (can_wait(command) && find_absent(&command->target, result, &absent))
        store(delivery, published, &absent);
    else
        answer(delivery->exchange, result->count, &none, shown_of(delivery, published));
}

/* One of the two, or both. */
static bool is_said(struct api_exchange *exchange, const struct sse_command *command)
{
    if (command->duration >= 0 || command->session_duration >= 0)
        return true;
    api_reply_error(exchange, 422,
                    "\"duration\" must be a whole number of seconds from 0 to %" PRId64,
                    API_MOST_SECONDS);
    return false;
}

void api_handle_set_duration(struct api_exchange *exchange)
{
    json_t *body = api_json_body_members(exchange);
    struct delivery *delivery =
        body ? select_individuals(exchange, body, SSE_RECORD_DURATION) : NULL;

    if (delivery && read_common(exchange, body, delivery) &&
        is_said(exchange, command_of(delivery))) {
        last_item(delivery)->message = duration_message(command_of(delivery));
        last_item(delivery)->wants_reached = can_wait(command_of(delivery));
        delivery->done = on_told;
        start(delivery);
    } else if (delivery) {
        delivery_free(delivery);
    }
    json_decref(body);
}
