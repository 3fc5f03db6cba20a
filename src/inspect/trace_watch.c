/* SPDX-License-Identifier: Apache-2.0 */
/* The trace as it is recorded. A watcher asks all workers, time and again, what has come; so who
 * records waits for nobody, and has nothing to do while nobody watches. What a watcher cannot take
 * is left out, and it is told how much that was. */
#include <inttypes.h>
#include <stdlib.h>

#include "api/exchange.h"
#include "api/reply.h"
#include "base/buf.h"
#include "base/loop.h"
#include "base/mem.h"
#include "broker/service.h"
#include "broker/trace_query.h"
#include "inspect/trace.h"
#include "inspect/watch.h"
#include "sse/service.h"

#define ASK_MS 100u /* between an answer and the next question */
/* Of records, in an answer of all workers; a watcher for whom more than that waits, as text, gets
 * none until it has read. */
#define ANSWER_BYTES ((size_t)256 * 1024)

struct trace_watch {
    struct watch watch;
    struct trace_asking asking;
    char *texts[TRACE_FILTERS]; /* of the filter */
    bool is_closed;             /* this is freed when all workers have answered */
    struct trace_mark *marks;
    struct loop_timer next;
};

static struct trace_watch *trace_watch_of(struct watch *watch)
{
    return container_of(watch, struct trace_watch, watch);
}

/* ---- asking ---- */

static void watch_free(struct trace_watch *watch)
{
    watch->watch.service->trace_watches--;
    for (size_t i = 0; i < TRACE_FILTERS; i++)
        free(watch->texts[i]);
    free(watch->marks);
    watch_release(&watch->watch);
    free(watch);
}

static void ask_later(struct trace_watch *watch)
{
    if (!watch->watch.is_ended)
        loop_timer_start(watch->watch.service->api->loop, &watch->next, ASK_MS);
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
        watch->watch.service->trace_lost += asking->lost;
        buf_printf(&text, "event: trace-lost\ndata: {\"count\":%" PRIu64 "}\n\n", asking->lost);
    }
    if (text.length > 0)
        watch_push(&watch->watch, buf_freeze(&text));
}

static void on_records(struct trace_asking *asking)
{
    struct trace_watch *watch = asking->context;

    if (watch->is_closed) {
        watch_free(watch);
        return;
    }
    if (!watch->watch.is_ended)
        write_records(watch);
    ask_later(watch);
}

static void ask(struct trace_watch *watch, enum trace_asking_kind kind,
                void (*done)(struct trace_asking *asking))
{
    const size_t workers = broker_workers(watch->watch.service->api->broker);

    watch->asking.kind = kind;
    watch->asking.most = watch->watch.queue.bytes > ANSWER_BYTES ? 0 : ANSWER_BYTES / workers;
    watch->asking.done = done;
    trace_asking_start(&watch->asking, &watch->watch.service->broker);
}

static void on_next(struct loop_timer *timer)
{
    ask(container_of(timer, struct trace_watch, next), TRACE_ASK_SINCE, on_records);
}

/* ---- the stream ---- */

static void on_ended(struct watch *watch)
{
    loop_timer_stop(&trace_watch_of(watch)->next);
}

static void on_closed(struct watch *of)
{
    struct trace_watch *watch = trace_watch_of(of);

    loop_timer_stop(&watch->next);
    watch->is_closed = true;
    if (watch->asking.request.open == 0)
        watch_free(watch);
}

static const struct watch_kind kind = {
    .permission = AUTH_MAY_INSPECT,
    .last_event = "trace-close",
    .ended = on_ended,
    .closed = on_closed,
};

static void greet(struct watch *watch)
{
    const struct api_service *service = watch->service;
    struct buf text = BUF_INIT;

    buf_printf(&text,
               "retry: %u\nevent: trace-start\ndata: {\"service\":\"%s\",\"time\":%" PRId64
               ",\"workers\":%zu}\n\n",
               service->settings->core->reconnect_ms, service->settings->core->name,
               loop_wall_ms(service->api->loop), broker_workers(service->api->broker));
    watch_push(watch, buf_freeze(&text));
    ask_later(trace_watch_of(watch));
}

/* All workers have said where they are: what comes from now on is told. */
static void on_placed(struct trace_asking *asking)
{
    struct trace_watch *watch = asking->context;

    if (!watch_open(&watch->watch, greet))
        watch_free(watch);
}

/* ---- the request ---- */

static void keep_filter(struct trace_watch *watch, const struct trace_filter *filter)
{
    watch->asking.filter = *filter;
    for (size_t i = 0; i < TRACE_FILTERS; i++) {
        watch->texts[i] = mem_strdup(filter->by[i]);
        watch->asking.filter.by[i] = watch->texts[i];
    }
    watch->asking.filter.tenants = watch->watch.tenants;
}

static bool may_watch(struct api_exchange *exchange)
{
    const struct api_service *service = exchange->service;
    const uint32_t most = service->settings->broker.trace.watchers;

    if (service->trace_watches < most)
        return watch_is_possible(exchange);
    api_reply_error(exchange, 503,
                    "this worker has %u watchers already, which is services[].trace.watchers; "
                    "end one first",
                    most);
    return false;
}

void trace_watch_start(struct api_exchange *exchange, const struct trace_asked *asked)
{
    const size_t workers = broker_workers(exchange->api->broker);
    struct trace_watch *watch;

    if (!may_watch(exchange))
        return;
    watch = mem_zalloc(sizeof(*watch));
    watch_init(&watch->watch, &kind, exchange);
    exchange->service->trace_watches++;
    keep_filter(watch, &asked->filter);
    watch->marks = mem_zalloc(workers * sizeof(watch->marks[0]));
    watch->asking.marks = watch->marks;
    watch->asking.context = watch;
    watch->next.on_fire = on_next;
    ask(watch, TRACE_ASK_END, on_placed);
}
