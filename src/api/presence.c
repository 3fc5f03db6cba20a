/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/exchange.h"
#include "api/guard.h"
#include "api/reply.h"
#include "api/routes.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "broker/presence_event.h"
#include "broker/presence_reader.h"
#include "broker/service.h"
#include "h2/stream.h"
#include "sse/event.h"
#include "sse/queue.h"
#include "sse/service.h"

/* Watchers read at their own pace (broker/presence_reader.h), and who is too slow is closed and
 * told so. */

/* How often it is asked whether the token of a watcher still counts. */
#define CHECK_MS 5000u
/* Below this much that waits the next events are asked for. */
#define ENOUGH_BYTES ((size_t)64 * 1024)

struct presence_watch {
    struct presence_reader reader;
    struct api_service *service;
    struct api_exchange *exchange; /* a reference, until it is attached */
    struct h2_stream *stream;      /* lives longer than this, once it is there */
    struct sse_queue queue;
    struct loop_timer comment; /* keeps a silent stream alive */
    struct loop_timer check;   /* of a token */
    char *credential;          /* that let it in: an API key, */
    bool is_token;             /* or a token */
    bool is_with_snapshot;
    char last_id[PRESENCE_ID_SIZE];
    struct broker_watched watched; /* how it was attached */
};

static struct presence_watch *watch_of(struct presence_reader *reader)
{
    return container_of(reader, struct presence_watch, reader);
}

static void on_closed(struct presence_reader *reader)
{
    struct presence_watch *watch = watch_of(reader);

    sse_queue_release(&watch->queue);
    free(watch->credential);
    free(watch->reader.tenants);
    free(watch);
}

static void start_comment_timer(struct presence_watch *watch)
{
    const uint32_t comment_ms = watch->service->settings->core->comment_ms;

    if (comment_ms > 0)
        loop_timer_start(watch->service->api->loop, &watch->comment, comment_ms);
}

/* Takes over the reference. */
static void push(struct presence_watch *watch, struct bytes *wire)
{
    struct sse_event *event = sse_event_new(NULL, wire);

    sse_queue_push(&watch->queue, event);
    sse_event_unref(event);
    start_comment_timer(watch);
    h2_stream_resume(watch->stream);
}

static void push_said(struct presence_watch *watch, const struct sse_event_fields *fields)
{
    struct bytes *wire = sse_event_encode_told(fields);

    if (wire)
        push(watch, wire);
}

static void push_json(struct presence_watch *watch, const char *name, const char *id,
                      struct buf *json)
{
    const struct sse_event_fields fields = {
        .id = id,
        .name = name,
        .data = buf_str(json),
        .data_length = json->length,
        .retry_ms = -1,
    };

    push_said(watch, &fields);
    buf_release(json);
}

static void end(struct presence_watch *watch, const char *reason)
{
    struct buf json = BUF_INIT;

    watch->reader.is_stopped = true;
    buf_printf(&json, "{\"reason\":\"%s\"}", reason);
    push_json(watch, "presence-close", NULL, &json);
}

static void on_comment_due(struct loop_timer *timer)
{
    struct presence_watch *watch = container_of(timer, struct presence_watch, comment);
    const struct sse_event_fields comment = {.retry_ms = -1, .comment = ""};

    if (watch->queue.count == 0)
        push_said(watch, &comment);
    else
        start_comment_timer(watch); /* what waits will do as a heartbeat */
}

static void start_check_timer(struct presence_watch *watch)
{
    if (watch->is_token)
        loop_timer_start(watch->service->api->loop, &watch->check, CHECK_MS);
}

/* It may have expired, or been revoked, or be configured no longer. */
static void check(struct presence_watch *watch)
{
    if (watch->reader.is_stopped)
        return;
    if (guard_still_admits(watch->service, watch->credential, AUTH_MAY_PRESENCE,
                           watch->reader.tenants))
        start_check_timer(watch);
    else
        end(watch, "expired");
}

static void on_check_due(struct loop_timer *timer)
{
    check(container_of(timer, struct presence_watch, check));
}

static void on_snapshot_over(struct presence_reader *reader)
{
    struct presence_watch *watch = watch_of(reader);
    struct buf json = BUF_INIT;

    buf_printf(&json, "{\"connections\":%zu,\"users\":%zu}", watch->reader.snapshot.connections,
               watch->reader.snapshot.users);
    push_json(watch, "snapshot-end", watch->watched.id, &json);
}

static bool has_room(const struct presence_reader *reader)
{
    return container_of(reader, const struct presence_watch, reader)->queue.bytes < ENOUGH_BYTES;
}

static void on_read(struct presence_reader *reader, struct bytes *wire)
{
    push(watch_of(reader), bytes_ref(wire));
}

static void on_lost(struct presence_reader *reader)
{
    end(watch_of(reader), "slow");
}

static size_t source_ready(void *source, bool *last)
{
    const struct presence_watch *watch = source;

    *last = watch->reader.is_stopped;
    return watch->queue.bytes;
}

static void source_take(void *source, char *to, size_t length)
{
    struct presence_watch *watch = source;

    sse_queue_take(&watch->queue, to, length);
    presence_reader_go_on(&watch->reader);
}

static void source_closed(void *source)
{
    struct presence_watch *watch = source;

    loop_timer_stop(&watch->comment);
    loop_timer_stop(&watch->check);
    presence_reader_close(&watch->reader);
}

static const struct h2_body_source body_source = {
    .ready = source_ready,
    .take = source_take,
    .closed = source_closed,
};

static void push_gap(struct presence_watch *watch)
{
    struct buf json = BUF_INIT;

    buf_append_str(&json, "{\"from\":");
    json_text_string(&json, watch->last_id);
    buf_printf(&json, ",\"to\":\"%s\",\"reason\":\"%s\"}", watch->watched.id,
               presence_resume_words[watch->watched.resume]);
    push_json(watch, "sse-gap", NULL, &json);
}

/* While a snapshot is under way the watcher knows but a part: it gets no id that it could resume
 * from before the end of it. */
static void push_start(struct presence_watch *watch, bool is_resumed)
{
    const char *id = watch->watched.id;
    struct buf json = BUF_INIT;
    struct sse_event_fields fields = {
        .id = watch->reader.is_in_snapshot ? NULL : id,
        .name = "presence-start",
        .retry_ms = watch->service->settings->core->reconnect_ms,
    };

    buf_printf(&json,
               "{\"service\":\"%s\",\"time\":%" PRId64
               ",\"id\":\"%s\",\"resumed\":%s,\"snapshot\":%s}",
               watch->service->settings->core->name, loop_wall_ms(watch->service->api->loop), id,
               is_resumed ? "true" : "false", watch->reader.is_in_snapshot ? "true" : "false");
    fields.data = json.data;
    fields.data_length = json.length;
    push_said(watch, &fields);
    buf_release(&json);
}

static void greet(struct presence_watch *watch)
{
    const bool is_new = watch->last_id[0] == '\0';
    const bool is_resumed = !is_new && watch->watched.resume == PRESENCE_RESUMED;

    /* Who has missed something can only begin anew. */
    watch->reader.is_in_snapshot = !is_resumed && (watch->is_with_snapshot || !is_new);
    push_start(watch, is_resumed);
    if (!is_new && !is_resumed)
        push_gap(watch);
    presence_reader_begin(&watch->reader, watch->watched.after, watch->reader.is_in_snapshot);
}

static bool may_open(struct api_exchange *exchange, const struct broker_watched *watched)
{
    if (watched->is_refused)
        api_reply_error(exchange, 503,
                        "there are %u watchers already, which is "
                        "services[].presence.watchers; end one first",
                        exchange->service->settings->broker.presence.watchers);
    else if (exchange->api->is_drained)
        api_reply_error(exchange, 503, "the server stops; connect again, to another one");
    else if (h2_stream_is_open(exchange->stream))
        return true;
    return false;
}

static void on_opened(struct presence_reader *reader, const struct broker_watched *watched)
{
    struct presence_watch *watch = watch_of(reader);
    struct api_exchange *exchange = watch->exchange;

    watch->exchange = NULL;
    watch->watched = *watched;
    if (may_open(exchange, watched)) {
        watch->stream = exchange->stream;
        start_check_timer(watch);
        greet(watch);
        api_reply_events(exchange, &body_source, watch);
        api_exchange_detach(exchange);
    } else if (watched->is_refused) {
        on_closed(reader);
    } else {
        presence_reader_close(reader);
    }
    api_exchange_unref(exchange);
}

static const struct presence_taker taker = {
    .opened = on_opened,
    .has_room = has_room,
    .take = on_read,
    .snapshot_over = on_snapshot_over,
    .lost = on_lost,
    .closed = on_closed,
};

/* last_id: of the last event that it knows; NULL: none. is_with_snapshot: who is there comes first,
 * if it is not resumed. */
static void start(struct api_exchange *exchange, unsigned kinds, bool is_with_snapshot,
                  const char *last_id)
{
    struct presence_watch *watch = mem_zalloc(sizeof(*watch));

    watch->service = exchange->service;
    watch->exchange = api_exchange_ref(exchange);
    watch->reader = (struct presence_reader){
        .taker = &taker,
        .service = &exchange->service->broker,
        .kinds = kinds,
        .tenants = exchange->tenants ? mem_strdup(exchange->tenants) : NULL,
    };
    watch->is_with_snapshot = is_with_snapshot;
    watch->comment.on_fire = on_comment_due;
    watch->check.on_fire = on_check_due;
    watch->credential = mem_strdup(guard_credential(exchange));
    watch->is_token = guard_token(exchange) != NULL;
    if (last_id)
        snprintf(watch->last_id, sizeof(watch->last_id), "%s", last_id);
    presence_reader_open(&watch->reader, watch->last_id);
}

void presence_check(const struct broker_service *service)
{
    list_for_each_safe(node, after, &service->readers)
        check(watch_of(container_of(node, struct presence_reader, node)));
}

void presence_drain(const struct broker_service *service)
{
    list_for_each_safe(node, after, &service->readers) {
        struct presence_watch *watch = watch_of(container_of(node, struct presence_reader, node));

        if (!watch->reader.is_stopped)
            end(watch, "drain");
    }
}

/* ---- the request ---- */

static bool is_true(const char *value)
{
    return value && (strcmp(value, "true") == 0 || strcmp(value, "1") == 0);
}

/* Of users of several tenants, none is told when they come or go in another one. */
static bool narrow(struct api_exchange *exchange, bool are_kinds_said, unsigned *kinds)
{
    if (!exchange->tenants || !(*kinds & PRESENCE_OF_USERS) ||
        exchange->service->settings->core->users_unique == SSE_UNIQUE_IN_TENANT)
        return true;
    if (are_kinds_said)
        return tenancy_refuse(exchange, "users of this service may be of several tenants, so that "
                                        "user-online and user-offline are not theirs alone: ask "
                                        "for connect and disconnect, or set "
                                        "services[].users.unique to tenant");
    *kinds &= ~PRESENCE_OF_USERS;
    return true;
}

void api_handle_presence(struct api_exchange *exchange)
{
    const char *events = h2_form_get(&exchange->query, "events");
    struct word unknown;
    unsigned kinds;

    if (!presence_kinds_parse(events ? events : "", &kinds, &unknown)) {
        api_reply_error(exchange, 422,
                        "events: \"%.*s\" is no presence event; there are " PRESENCE_KIND_LIST,
                        unknown.length < 64 ? (int)unknown.length : 64, unknown.text);
        return;
    }
    if (!narrow(exchange, events && *events != '\0', &kinds))
        return;
    if (exchange->api->is_drained) {
        api_reply_error(exchange, 503, "the server stops; connect again, to another one");
        return;
    }
    if (strcmp(exchange->request->method, "HEAD") == 0)
        api_reply_events(exchange, NULL, NULL);
    else
        start(exchange, kinds, is_true(h2_form_get(&exchange->query, "snapshot")),
              api_exchange_last_id(exchange));
}
