/* SPDX-License-Identifier: Apache-2.0 */
#include "inspect/watch.h"

#include <stdlib.h>

#include "api/exchange.h"
#include "api/guard.h"
#include "api/reply.h"
#include "base/buf.h"
#include "base/mem.h"
#include "h2/stream.h"
#include "sse/event.h"
#include "sse/service.h"

#define CHECK_MS 5000u /* how often it is asked whether a token still counts */

static void start_comment_timer(struct watch *watch)
{
    const uint32_t comment_ms = watch->service->settings->core->comment_ms;

    if (comment_ms > 0)
        loop_timer_start(watch->service->api->loop, &watch->comment, comment_ms);
}

void watch_push(struct watch *watch, struct bytes *wire)
{
    struct sse_event *event = sse_event_new(NULL, wire);

    sse_queue_push(&watch->queue, event);
    sse_event_unref(event);
    start_comment_timer(watch);
    h2_stream_resume(watch->stream);
}

void watch_push_fields(struct watch *watch, const struct sse_event_fields *fields)
{
    struct bytes *wire = sse_event_encode_told(fields);

    if (wire)
        watch_push(watch, wire);
}

void watch_push_json(struct watch *watch, const char *name, const char *id, struct buf *json)
{
    const struct sse_event_fields fields = {
        .id = id,
        .name = name,
        .data = buf_str(json),
        .data_length = json->length,
        .retry_ms = -1,
    };

    watch_push_fields(watch, &fields);
    buf_release(json);
}

void watch_end(struct watch *watch, const char *reason)
{
    struct buf json = BUF_INIT;

    if (watch->is_ended)
        return;
    watch->is_ended = true;
    buf_printf(&json, "{\"reason\":\"%s\"}", reason);
    watch_push_json(watch, watch->kind->last_event, NULL, &json);
    watch->kind->ended(watch);
}

static void on_comment_due(struct loop_timer *timer)
{
    struct watch *watch = container_of(timer, struct watch, comment);
    const struct sse_event_fields comment = {.retry_ms = -1, .comment = ""};

    if (watch->queue.count == 0)
        watch_push_fields(watch, &comment);
    else
        start_comment_timer(watch); /* what waits will do as a heartbeat */
}

/* ---- the credential ---- */

static void start_check_timer(struct watch *watch)
{
    if (watch->is_token)
        loop_timer_start(watch->service->api->loop, &watch->check, CHECK_MS);
}

/* It may have expired, or been revoked, or be configured no longer. */
static void check(struct watch *watch)
{
    if (watch->is_ended || !watch->stream)
        return;
    if (guard_still_admits(watch->service, watch->credential, watch->kind->permission,
                           watch->tenants))
        start_check_timer(watch);
    else
        watch_end(watch, "expired");
}

static void on_check_due(struct loop_timer *timer)
{
    check(container_of(timer, struct watch, check));
}

static void on_change(struct api_watcher *watcher)
{
    check(container_of(watcher, struct watch, watcher));
}

static void on_drain(struct api_watcher *watcher)
{
    struct watch *watch = container_of(watcher, struct watch, watcher);

    if (watch->stream)
        watch_end(watch, "drain");
}

/* ---- the stream ---- */

static size_t source_ready(void *source, bool *last)
{
    const struct watch *watch = source;

    *last = watch->is_ended;
    return watch->queue.bytes;
}

static void source_take(void *source, char *to, size_t length)
{
    struct watch *watch = source;

    sse_queue_take(&watch->queue, to, length);
    if (watch->kind->taken)
        watch->kind->taken(watch);
}

static void source_closed(void *source)
{
    struct watch *watch = source;

    loop_timer_stop(&watch->comment);
    loop_timer_stop(&watch->check);
    watch->is_ended = true;
    watch->kind->closed(watch);
}

static const struct h2_body_source body_source = {
    .ready = source_ready,
    .take = source_take,
    .closed = source_closed,
};

bool watch_is_possible(struct api_exchange *exchange)
{
    if (!exchange->api->is_drained)
        return true;
    api_reply_error(exchange, 503, "the server stops; connect again, to another one");
    return false;
}

void watch_init(struct watch *watch, const struct watch_kind *kind, struct api_exchange *exchange)
{
    *watch = (struct watch){
        .watcher = {.changed = on_change, .drained = on_drain},
        .kind = kind,
        .service = exchange->service,
        .exchange = api_exchange_ref(exchange),
        .credential = mem_strdup(guard_credential(exchange)),
        .tenants = exchange->tenants ? mem_strdup(exchange->tenants) : NULL,
        .is_token = guard_token(exchange) != NULL,
        .comment.on_fire = on_comment_due,
        .check.on_fire = on_check_due,
    };
    list_append(&exchange->service->watchers, &watch->watcher.node);
}

bool watch_open(struct watch *watch, void (*greet)(struct watch *watch))
{
    struct api_exchange *exchange = watch->exchange;
    const bool is_open = watch_is_possible(exchange) && h2_stream_is_open(exchange->stream);

    watch->exchange = NULL;
    if (is_open) {
        watch->stream = exchange->stream;
        start_check_timer(watch);
        greet(watch);
        api_reply_events(exchange, &body_source, watch);
        api_exchange_detach(exchange);
    }
    api_exchange_unref(exchange);
    return is_open;
}

void watch_release(struct watch *watch)
{
    if (watch->exchange)
        api_exchange_unref(watch->exchange);
    list_remove(&watch->watcher.node);
    sse_queue_release(&watch->queue);
    free(watch->credential);
    free(watch->tenants);
}
