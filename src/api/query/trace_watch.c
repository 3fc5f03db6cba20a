/* SPDX-License-Identifier: Apache-2.0 */
/* The trace as it is recorded. A watcher asks all workers, time and again, what has come; so who
 * records waits for nobody, and has nothing to do while nobody watches. What a watcher cannot take
 * is left out, and it is told how much that was. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/exchange.h"
#include "api/guard.h"
#include "api/query/trace.h"
#include "api/reply.h"
#include "base/buf.h"
#include "base/loop.h"
#include "base/mem.h"
#include "broker/service.h"
#include "broker/trace_query.h"
#include "h2/stream.h"
#include "sse/event.h"
#include "sse/queue.h"
#include "sse/service.h"

#define ASK_MS   100u  /* between an answer and the next question */
#define CHECK_MS 5000u /* how often it is asked whether a token still counts */
/* Of records, in an answer of all workers; a watcher for whom more than that waits, as text, gets
 * none until it has read. */
#define ANSWER_BYTES ((size_t)256 * 1024)

struct trace_watch {
    struct list node; /* of its service */
    struct trace_asking asking;
    struct api_service *service;
    struct api_exchange *exchange; /* a reference, until the stream is there */
    struct h2_stream *stream;      /* lives longer than this, once it is there */
    char *texts[TRACE_FILTERS];    /* of the filter */
    char *tenants, *credential;
    bool is_token;
    bool is_stopped; /* nothing more is written */
    bool is_closed;  /* the stream has gone: this is freed when all workers have answered */
    struct trace_mark *marks;
    struct sse_queue queue;
    struct loop_timer next, comment, check;
};

/* ---- writing ---- */

static void start_comment_timer(struct trace_watch *watch)
{
    const uint32_t comment_ms = watch->service->settings->core->comment_ms;

    if (comment_ms > 0)
        loop_timer_start(watch->service->api->loop, &watch->comment, comment_ms);
}

/* Takes over the text: events. */
static void push(struct trace_watch *watch, struct buf *text)
{
    struct sse_event *event = sse_event_new(NULL, buf_freeze(text));

    sse_queue_push(&watch->queue, event);
    sse_event_unref(event);
    start_comment_timer(watch);
    h2_stream_resume(watch->stream);
}

static void end(struct trace_watch *watch, const char *reason)
{
    struct buf text = BUF_INIT;

    if (watch->is_stopped)
        return;
    watch->is_stopped = true;
    loop_timer_stop(&watch->next);
    buf_printf(&text, "event: trace-close\ndata: {\"reason\":\"%s\"}\n\n", reason);
    push(watch, &text);
}

static void on_comment_due(struct loop_timer *timer)
{
    struct trace_watch *watch = container_of(timer, struct trace_watch, comment);
    struct buf text = BUF_INIT;

    if (watch->queue.count > 0) {
        start_comment_timer(watch); /* what waits will do as a heartbeat */
        return;
    }
    buf_append_str(&text, ":\n\n");
    push(watch, &text);
}

/* ---- asking ---- */

static void watch_free(struct trace_watch *watch)
{
    list_remove(&watch->node);
    watch->service->trace_watches--;
    for (size_t i = 0; i < TRACE_FILTERS; i++)
        free(watch->texts[i]);
    free(watch->tenants);
    free(watch->credential);
    free(watch->marks);
    sse_queue_release(&watch->queue);
    free(watch);
}

static void ask_later(struct trace_watch *watch)
{
    if (!watch->is_stopped)
        loop_timer_start(watch->service->api->loop, &watch->next, ASK_MS);
}

static void write_records(struct trace_watch *watch)
{
    const struct trace_asking *asking = &watch->asking;
    struct buf text = BUF_INIT;

    for (size_t i = 0; i < asking->count; i++) {
        buf_printf(&text, "event: %s\ndata: ", trace_kind_words[asking->records[i]->kind]);
        trace_append_json(&text, asking->records[i]);
        buf_append_str(&text, "\n\n");
    }
    if (asking->lost > 0) {
        watch->service->trace_lost += asking->lost;
        buf_printf(&text, "event: trace-lost\ndata: {\"count\":%" PRIu64 "}\n\n", asking->lost);
    }
    if (text.length > 0)
        push(watch, &text);
}

static void on_records(struct trace_asking *asking)
{
    struct trace_watch *watch = asking->context;

    if (watch->is_closed) {
        watch_free(watch);
        return;
    }
    if (!watch->is_stopped)
        write_records(watch);
    ask_later(watch);
}

static void ask(struct trace_watch *watch, enum trace_asking_kind kind,
                void (*done)(struct trace_asking *asking))
{
    const size_t workers = broker_workers(watch->service->api->broker);

    watch->asking.kind = kind;
    watch->asking.most = watch->queue.bytes > ANSWER_BYTES ? 0 : ANSWER_BYTES / workers;
    watch->asking.done = done;
    trace_asking_start(&watch->asking, &watch->service->broker);
}

static void on_next(struct loop_timer *timer)
{
    ask(container_of(timer, struct trace_watch, next), TRACE_ASK_SINCE, on_records);
}

/* ---- the stream ---- */

static size_t source_ready(void *source, bool *last)
{
    const struct trace_watch *watch = source;

    *last = watch->is_stopped;
    return watch->queue.bytes;
}

static void source_take(void *source, char *to, size_t length)
{
    struct trace_watch *watch = source;

    sse_queue_take(&watch->queue, to, length);
}

static void source_closed(void *source)
{
    struct trace_watch *watch = source;

    loop_timer_stop(&watch->next);
    loop_timer_stop(&watch->comment);
    loop_timer_stop(&watch->check);
    watch->is_stopped = watch->is_closed = true;
    if (watch->asking.request.open == 0)
        watch_free(watch);
}

static const struct h2_body_source body_source = {
    .ready = source_ready,
    .take = source_take,
    .closed = source_closed,
};

static void start_check_timer(struct trace_watch *watch)
{
    if (watch->is_token)
        loop_timer_start(watch->service->api->loop, &watch->check, CHECK_MS);
}

/* It may have expired, or been revoked, or be configured no longer. */
static void check(struct trace_watch *watch)
{
    if (watch->is_stopped || !watch->stream)
        return;
    if (guard_still_admits(watch->service, watch->credential, AUTH_MAY_INSPECT, watch->tenants))
        start_check_timer(watch);
    else
        end(watch, "expired");
}

static void on_check_due(struct loop_timer *timer)
{
    check(container_of(timer, struct trace_watch, check));
}

static void greet(struct trace_watch *watch)
{
    const struct api_service *service = watch->service;
    struct buf text = BUF_INIT;

    buf_printf(&text,
               "retry: %u\nevent: trace-start\ndata: {\"service\":\"%s\",\"time\":%" PRId64
               ",\"workers\":%zu}\n\n",
               service->settings->core->reconnect_ms, service->settings->core->name,
               loop_wall_ms(service->api->loop), broker_workers(service->api->broker));
    push(watch, &text);
}

/* All workers have said where they are: what comes from now on is told. */
static void on_placed(struct trace_asking *asking)
{
    struct trace_watch *watch = asking->context;
    struct api_exchange *exchange = watch->exchange;

    watch->exchange = NULL;
    if (!exchange->api->is_drained && h2_stream_is_open(exchange->stream)) {
        watch->stream = exchange->stream;
        greet(watch);
        start_check_timer(watch);
        ask_later(watch);
        api_reply_events(exchange, &body_source, watch); /* which may be its end */
        api_exchange_detach(exchange);
    } else {
        watch_free(watch);
        api_reply_error(exchange, 503, "the server stops; connect again, to another one");
    }
    api_exchange_unref(exchange);
}

/* ---- the request ---- */

static void keep_filter(struct trace_watch *watch, const struct trace_filter *filter)
{
    watch->asking.filter = *filter;
    for (size_t i = 0; i < TRACE_FILTERS; i++) {
        watch->texts[i] = mem_strdup(filter->by[i]);
        watch->asking.filter.by[i] = watch->texts[i];
    }
    watch->tenants = mem_strdup(filter->tenants);
    watch->asking.filter.tenants = watch->tenants;
}

static bool may_watch(struct api_exchange *exchange)
{
    const struct api_service *service = exchange->service;
    const uint32_t most = service->settings->broker.trace.watchers;

    if (exchange->api->is_drained)
        api_reply_error(exchange, 503, "the server stops; connect again, to another one");
    else if (service->trace_watches >= most)
        api_reply_error(exchange, 503,
                        "this worker has %u watchers already, which is services[].trace.watchers; "
                        "end one first",
                        most);
    else
        return true;
    return false;
}

void trace_watch_start(struct api_exchange *exchange, const struct trace_asked *asked)
{
    const size_t workers = broker_workers(exchange->api->broker);
    struct trace_watch *watch;

    if (!may_watch(exchange))
        return;
    watch = mem_zalloc(sizeof(*watch));
    watch->service = exchange->service;
    watch->service->trace_watches++;
    list_append(&watch->service->trace_watchers, &watch->node);
    watch->exchange = api_exchange_ref(exchange);
    keep_filter(watch, &asked->filter);
    watch->credential = mem_strdup(guard_credential(exchange));
    watch->is_token = guard_token(exchange) != NULL;
    watch->marks = mem_zalloc(workers * sizeof(watch->marks[0]));
    watch->asking.marks = watch->marks;
    watch->asking.context = watch;
    watch->next.on_fire = on_next;
    watch->comment.on_fire = on_comment_due;
    watch->check.on_fire = on_check_due;
    ask(watch, TRACE_ASK_END, on_placed);
}

void trace_watches_check(struct api_service *service)
{
    list_for_each_safe(node, after, &service->trace_watchers)
        check(container_of(node, struct trace_watch, node));
}

void trace_watches_drain(struct api_service *service)
{
    list_for_each_safe(node, after, &service->trace_watchers) {
        struct trace_watch *watch = container_of(node, struct trace_watch, node);

        if (watch->stream)
            end(watch, "drain");
    }
}
