/* SPDX-License-Identifier: Apache-2.0 */
#include "api/presence/presence_watch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/exchange.h"
#include "api/guard.h"
#include "api/json_text.h"
#include "api/presence/presence_snapshot.h"
#include "api/reply.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "broker/presence_log.h"
#include "broker/service.h"
#include "h2/stream.h"
#include "sse/event.h"
#include "sse/queue.h"
#include "sse/service.h"

#define CONTENT_TYPE "text/event-stream;charset=utf-8"
/* How often it is asked whether the token of a watcher still counts. */
#define CHECK_MS 5000u
/* Below this much that waits the next events are asked for. */
#define ENOUGH_BYTES ((size_t)64 * 1024)

struct presence_watch {
    struct list node;
    struct api_service *service;
    struct api_exchange *exchange; /* a reference, until it is attached */
    struct h2_stream *stream;      /* NULL: it has closed; lives longer than this otherwise */
    struct sse_queue queue;
    struct loop_timer comment; /* keeps a silent stream alive */
    struct loop_timer check;   /* of a token */
    char *credential;          /* that let it in: an API key, */
    bool is_token;             /* or a token */
    char *tenants;             /* that the key is for; NULL: all */
    unsigned kinds;
    bool is_with_snapshot;
    bool is_in_snapshot; /* what follows is a piece of it */
    bool is_asking;      /* a call is under way, which holds the watch */
    bool has_news;       /* the hub may have something */
    bool is_ending;      /* nothing follows what waits */
    char last_id[PRESENCE_ID_SIZE];
    struct loop_task more;         /* asks for more: not while the stream is being sent */
    struct broker_request request; /* the question that is asked */
    struct broker_watched watched; /* how it was attached */
    uint64_t after;                /* the number of the last event that was read */
    struct presence_snapshot snapshot;
};

static void watch_free(struct presence_watch *watch)
{
    loop_cancel(&watch->more);
    sse_queue_release(&watch->queue);
    free(watch->credential);
    free(watch->tenants);
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

    watch->is_ending = true;
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
        start_comment_timer(watch); /* what waits will do as a sign of life */
}

static void start_check_timer(struct presence_watch *watch)
{
    if (watch->is_token)
        loop_timer_start(watch->service->api->loop, &watch->check, CHECK_MS);
}

/* It may have expired, or been revoked, or be configured no longer. */
static void check(struct presence_watch *watch)
{
    if (watch->is_ending)
        return;
    if (guard_still_admits(watch->service, watch->credential, AUTH_MAY_PRESENCE, watch->tenants))
        start_check_timer(watch);
    else
        end(watch, "expired");
}

static void on_check_due(struct loop_timer *timer)
{
    check(container_of(timer, struct presence_watch, check));
}

static void go_on(struct presence_watch *watch);

/* The call has come back. False when nothing is said to this watcher any more; the watch is gone
 * then, if its stream has closed meanwhile. */
static bool is_wanted(struct presence_watch *watch)
{
    watch->is_asking = false;
    if (!watch->stream)
        watch_free(watch);
    else if (!watch->is_ending)
        return true;
    return false;
}

static void push_snapshot_end(struct presence_watch *watch)
{
    struct buf json = BUF_INIT;

    watch->is_in_snapshot = false;
    buf_printf(&json, "{\"connections\":%zu,\"users\":%zu}", watch->snapshot.connections,
               watch->snapshot.users);
    push_json(watch, "snapshot-end", watch->watched.id, &json);
}

/* The next piece is made in a task: a turn has time for so many. */
static void on_piece(struct presence_snapshot *snapshot, struct bytes *wire)
{
    struct presence_watch *watch = container_of(snapshot, struct presence_watch, snapshot);

    if (!is_wanted(watch))
        return;
    if (wire)
        push(watch, bytes_ref(wire));
    if (snapshot->is_whole)
        push_snapshot_end(watch);
    loop_defer(watch->service->api->loop, &watch->more);
}

static void on_events(struct broker_request *request, const struct broker_message *answer)
{
    struct presence_watch *watch = container_of(request, struct presence_watch, request);
    const struct broker_events *events = &answer->events;

    if (!is_wanted(watch))
        return;
    watch->after = events->after;
    for (size_t i = 0; i < events->count; i++)
        push(watch, bytes_ref(events->wires[i]));
    watch->has_news |= !events->is_all;
    if (events->is_lost)
        end(watch, "slow");
    go_on(watch);
}

static void ask_owner(struct presence_watch *watch, struct broker_message *question,
                      void (*on_answer)(struct broker_request *request,
                                        const struct broker_message *answer))
{
    const struct broker_service *service = &watch->service->broker;

    watch->request.on_answer = on_answer;
    broker_ask(service->broker, broker_service_owner(service), question, &watch->request);
}

static void read_on(struct presence_watch *watch)
{
    struct broker_message *message =
        broker_message_new(BROKER_READ, watch->service->index, broker_text_size(watch->tenants));

    message->read.after = watch->after;
    message->read.kinds = watch->kinds;
    message->read.tenants = broker_message_text(message, watch->tenants);
    message->read.most_bytes = ENOUGH_BYTES;
    ask_owner(watch, message, on_events);
}

/* Asks for what follows, if there is something, and room for it. */
static void go_on(struct presence_watch *watch)
{
    if (watch->is_asking || watch->is_ending || watch->queue.bytes >= ENOUGH_BYTES)
        return;
    if (watch->is_in_snapshot) {
        watch->is_asking = true;
        presence_snapshot_next(&watch->snapshot);
    } else if (watch->has_news) {
        watch->is_asking = true;
        watch->has_news = false;
        read_on(watch);
    }
}

static void on_room(struct loop_task *task)
{
    go_on(container_of(task, struct presence_watch, more));
}

static size_t source_ready(void *source, bool *last)
{
    const struct presence_watch *watch = source;

    *last = watch->is_ending;
    return watch->queue.bytes;
}

static void source_take(void *source, char *to, size_t length)
{
    struct presence_watch *watch = source;

    sse_queue_take(&watch->queue, to, length);
    loop_defer(watch->service->api->loop, &watch->more);
}

static void tell_gone(const struct api_service *service)
{
    broker_tell_owner(&service->broker, broker_message_new(BROKER_UNWATCH, service->index, 0));
}

static void source_closed(void *source)
{
    struct presence_watch *watch = source;

    watch->stream = NULL;
    loop_timer_stop(&watch->comment);
    loop_timer_stop(&watch->check);
    loop_cancel(&watch->more);
    list_remove(&watch->node);
    watch->service->watches.count--;
    tell_gone(watch->service);
    if (!watch->is_asking)
        watch_free(watch);
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
        .id = watch->is_in_snapshot ? NULL : id,
        .name = "presence-start",
        .retry_ms = watch->service->settings->core->reconnect_ms,
    };

    buf_printf(&json,
               "{\"service\":\"%s\",\"time\":%" PRId64
               ",\"id\":\"%s\",\"resumed\":%s,\"snapshot\":%s}",
               watch->service->settings->core->name, loop_wall_ms(watch->service->api->loop), id,
               is_resumed ? "true" : "false", watch->is_in_snapshot ? "true" : "false");
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
    watch->is_in_snapshot = !is_resumed && (watch->is_with_snapshot || !is_new);
    presence_snapshot_init(&watch->snapshot, watch->service, watch->kinds, watch->tenants);
    watch->snapshot.done = on_piece;
    watch->after = watch->watched.after;
    watch->has_news = true;
    push_start(watch, is_resumed);
    if (!is_new && !is_resumed)
        push_gap(watch);
    go_on(watch);
}

/* watch NULL: the head alone. The stream may close in here. */
static void respond(struct h2_stream *stream, struct presence_watch *watch)
{
    static const struct h2_field fields[] = {
        {"cache-control", "no-store"},
        {"x-accel-buffering", "no"},
    };
    const struct h2_response response = {
        .status = 200,
        .content_type = CONTENT_TYPE,
        .fields = fields,
        .field_count = sizeof(fields) / sizeof(fields[0]),
        .source = watch ? &body_source : NULL,
        .source_context = watch,
    };

    h2_stream_prefer(stream);
    h2_stream_respond(stream, &response);
}

static bool may_open(struct api_exchange *exchange, const struct broker_watched *watched)
{
    if (watched->is_refused)
        api_reply_error(exchange, 503,
                        "there are %u watchers already, which is "
                        "services[].presence.watchers; end one first",
                        exchange->service->settings->presence.watchers);
    else if (exchange->api->is_drained)
        api_reply_error(exchange, 503, "the server stops; connect again, to another one");
    else if (h2_stream_is_open(exchange->stream))
        return true;
    return false;
}

static void on_watched(struct broker_request *request, const struct broker_message *answer)
{
    struct presence_watch *watch = container_of(request, struct presence_watch, request);
    struct api_exchange *exchange = watch->exchange;

    watch->exchange = NULL;
    watch->watched = answer->watched;
    if (may_open(exchange, &watch->watched)) {
        watch->stream = exchange->stream;
        list_append(&watch->service->watches.list, &watch->node);
        watch->service->watches.count++;
        start_check_timer(watch);
        greet(watch);
        respond(exchange->stream, watch);
        h2_stream_forget_request(exchange->stream);
        api_exchange_detach(exchange);
    } else {
        if (!watch->watched.is_refused)
            tell_gone(watch->service);
        watch_free(watch);
    }
    api_exchange_unref(exchange);
}

void presence_watch_show(struct api_exchange *exchange)
{
    respond(exchange->stream, NULL);
}

void presence_watch_start(struct api_exchange *exchange, const struct presence_wish *wish)
{
    struct presence_watch *watch = mem_zalloc(sizeof(*watch));
    struct broker_message *question = broker_message_new(BROKER_WATCH, exchange->service->index, 0);

    watch->service = exchange->service;
    watch->exchange = api_exchange_ref(exchange);
    watch->kinds = wish->kinds;
    watch->is_with_snapshot = wish->is_with_snapshot;
    watch->comment.on_fire = on_comment_due;
    watch->check.on_fire = on_check_due;
    watch->more.run = on_room;
    watch->credential = mem_strdup(guard_credential(exchange));
    watch->is_token = guard_token(exchange) != NULL;
    watch->tenants = exchange->tenants ? mem_strdup(exchange->tenants) : NULL;
    if (wish->last_id)
        snprintf(watch->last_id, sizeof(watch->last_id), "%s", wish->last_id);
    memcpy(question->watch.last_id, watch->last_id, sizeof(watch->last_id));
    ask_owner(watch, question, on_watched);
}

void presence_watches_init(struct presence_watches *watches)
{
    *watches = (struct presence_watches){.count = 0};
    list_init(&watches->list);
}

void presence_watches_wake(struct presence_watches *watches)
{
    list_for_each_safe(node, after, &watches->list) {
        struct presence_watch *watch = container_of(node, struct presence_watch, node);

        watch->has_news = true;
        go_on(watch);
    }
}

void presence_watches_check(struct presence_watches *watches)
{
    list_for_each_safe(node, after, &watches->list)
        check(container_of(node, struct presence_watch, node));
}

void presence_watches_drain(struct presence_watches *watches)
{
    list_for_each_safe(node, after, &watches->list) {
        struct presence_watch *watch = container_of(node, struct presence_watch, node);

        if (!watch->is_ending)
            end(watch, "drain");
    }
}
