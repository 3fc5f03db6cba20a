/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/connection.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/random.h"
#include "sse/backlog.h"
#include "sse/dispatch.h"
#include "sse/ended.h"
#include "sse/event.h"
#include "sse/registry.h"
#include "sse/server_events.h"
#include "sse/service.h"
#include "sse/user.h"

/* Heartbeats are due within the last eighth of comment_ms, each at a time of its own: else one
 * broadcast would make all the connections of a worker give theirs in the same turn. */
#define COMMENT_SPREAD 8u

const char *const sse_close_reason_words[SSE_CLOSE_REASONS] = {
    [SSE_CLOSE_GONE] = "gone",     [SSE_CLOSE_CLIENT] = "client",
    [SSE_CLOSE_KICKED] = "kicked", [SSE_CLOSE_EVICTED] = "evicted",
    [SSE_CLOSE_SLOW] = "slow",     [SSE_CLOSE_LIFETIME] = "lifetime",
    [SSE_CLOSE_DRAIN] = "drain",   [SSE_CLOSE_EXPIRED] = "expired",
};

static void wake(const struct sse_connection *connection)
{
    if (connection->sink)
        connection->sink->wake(connection->sink_context);
}

/* Brings the service's sum up to date after the queue has changed. */
static void account(const struct sse_connection *connection, size_t bytes_before)
{
    connection->home->queued_bytes += connection->queue.bytes - bytes_before;
}

/* True when the sink must be woken. */
static bool enqueue(struct sse_connection *connection, struct sse_event *event)
{
    const bool was_empty = connection->queue.count == 0;

    sse_queue_push(&connection->queue, event);
    connection->home->queued_bytes += event->wire->length;
    if (!connection->wants_heartbeat)
        connection->last_heartbeat_at = loop_now_ms(connection->home->loop);
    return was_empty;
}

static uint64_t earlier(uint64_t one, uint64_t other)
{
    return one < other ? one : other;
}

static uint64_t wait_until(uint64_t due, uint64_t now)
{
    return due > now ? due - now : 0;
}

static void start_timer(struct sse_connection *connection)
{
    struct loop *loop = connection->home->loop;
    const uint32_t comment_ms = connection->home->settings->comment_ms;
    const uint64_t now = loop_now_ms(loop);
    uint64_t delay = sse_expiry_wait_ms(&connection->expiry, loop_wall_ms(loop));

    if (comment_ms > 0)
        delay = earlier(delay, wait_until(connection->last_heartbeat_at + comment_ms -
                                              random_between(0, comment_ms / COMMENT_SPREAD),
                                          now));
    if (connection->ends_at > 0)
        delay = earlier(delay, wait_until(connection->ends_at, now));
    if (delay != UINT64_MAX)
        loop_timer_start(loop, &connection->timer, delay);
}

static void set_expiry(struct sse_connection *connection)
{
    const struct sse_service *service = connection->home;

    sse_expiry_set(&connection->expiry, connection->user->expires_at,
                   service->settings->token_expiry_notice_ms, loop_wall_ms(service->loop));
}

static void tell_expiry(struct sse_connection *connection)
{
    struct sse_event *event = sse_server_events_expiring(connection);

    connection->home->counters.expiry_notices++;
    (void)sse_connection_push(connection, event);
    sse_event_unref(event);
}

static bool is_silent(const struct sse_connection *connection, uint64_t now)
{
    const uint32_t comment_ms = connection->home->settings->comment_ms;

    return comment_ms > 0 &&
           now - connection->last_heartbeat_at >= comment_ms - comment_ms / COMMENT_SPREAD;
}

static bool fits(const struct sse_connection *connection, size_t size)
{
    const struct sse_service_settings *settings = connection->home->settings;

    return connection->queue.bytes + size <= settings->queue_bytes &&
           connection->queue.count < settings->queue_events;
}

static struct sse_event *sign_of_life(const struct sse_connection *connection)
{
    return connection->wants_heartbeat ? connection->home->heartbeat : connection->home->comment;
}

/* A client that reads nothing gets no more than one. What waits will do as a comment; but it may be
 * nothing that a page sees. */
static bool needs_sign(struct sse_connection *connection, const struct sse_event *sign)
{
    if (connection->queue.count == 0)
        return true;
    return connection->wants_heartbeat && !sse_queue_ends_with(&connection->queue, sign) &&
           fits(connection, sign->wire->length);
}

/* True when the sink must be woken. */
static bool break_silence(struct sse_connection *connection, uint64_t now)
{
    struct sse_event *sign = sign_of_life(connection);
    bool is_woken = false;

    if (needs_sign(connection, sign)) {
        is_woken = enqueue(connection, sign);
        connection->home->counters.comments++;
    }
    connection->last_heartbeat_at = now;
    return is_woken;
}

static void on_timer(struct loop_timer *timer)
{
    struct sse_connection *connection = container_of(timer, struct sse_connection, timer);
    const struct loop *loop = connection->home->loop;
    const uint64_t now = loop_now_ms(loop);
    const enum sse_expiry_step step = sse_expiry_next(&connection->expiry, loop_wall_ms(loop));
    bool is_woken = false;

    if (step == SSE_EXPIRY_END) {
        sse_connection_close(connection, SSE_CLOSE_EXPIRED, NULL, -1);
        return;
    }
    if (connection->ends_at > 0 && now >= connection->ends_at) {
        /* While the server stops, whoever ends is to come back to the one that follows. */
        sse_connection_close(
            connection, connection->home->drain.until > 0 ? SSE_CLOSE_DRAIN : SSE_CLOSE_LIFETIME,
            NULL, -1);
        return;
    }
    if (step != SSE_EXPIRY_NOTICE && is_silent(connection, now))
        is_woken = break_silence(connection, now);
    start_timer(connection);
    if (step == SSE_EXPIRY_NOTICE)
        tell_expiry(connection);
    else if (is_woken)
        wake(connection);
}

static void end_with_drain(struct sse_connection *connection)
{
    struct sse_service *service = connection->home;
    const uint64_t end = sse_drain_next_end(&service->drain, loop_now_ms(service->loop));

    connection->ends_at = connection->ends_at > 0 ? earlier(connection->ends_at, end) : end;
}

static struct sse_connection *connection_new(struct sse_service *service,
                                             const struct sse_connection_options *options)
{
    const int64_t life_ms = options->user->lifetime_ms > 0
                                ? options->user->lifetime_ms
                                : sse_choose_life_ms(service->settings, options->keepalive_time_ms);
    struct sse_connection *connection = mem_zalloc(sizeof(*connection));

    connection->service = service;
    connection->home = service;
    connection->user = sse_user_ref(options->user);
    connection->info = sse_client_info_pack(options->info, service->intern);
    connection->access_time = options->info->access_time;
    connection->session_duration = options->info->session_duration;
    connection->sink = options->sink;
    connection->sink_context = options->sink_context;
    connection->session_number = options->session_number;
    connection->wants_heartbeat = options->wants_heartbeat;
    connection->hears_reasons = options->hears_reasons;
    connection->acknowledges =
        service->settings->asks_acknowledgement &&
        (options->offers_acknowledgement || !service->settings->asks_who_offers);
    connection->create_time = loop_wall_ms(service->loop);
    connection->created_at = loop_now_ms(service->loop);
    if (life_ms > 0)
        connection->ends_at = connection->created_at + (uint64_t)life_ms;
    if (service->drain.until > 0)
        end_with_drain(connection);
    connection->dispatch_mark = sse_dispatch_mark(service->dispatch);
    set_expiry(connection);
    connection->timer.on_fire = on_timer;
    sse_connection_id_make(connection);
    return connection;
}

static struct sse_arrival arrival_of(const struct sse_service *service,
                                     const struct sse_connection_options *options)
{
    const uint64_t last = service->position;

    if (options->resume == SSE_RESUME_NONE || options->resume == SSE_RESUME_UNKNOWN)
        return (struct sse_arrival){.after = last, .opened = last, .last_id = options->last_id};
    return (struct sse_arrival){
        .after = earlier(options->after, last),
        .opened = last,
        .last_id = options->last_id,
        .is_exact = options->resume == SSE_RESUMED,
    };
}

static void tell_connect(struct sse_connection *connection, const struct sse_arrival *arrival)
{
    struct sse_service *service = connection->home;

    list_for_each_safe(node, after, &service->observers) {
        struct sse_observer *observer = container_of(node, struct sse_observer, node);

        service->arrival = *arrival; /* an observer may have opened another connection */
        if (observer->on_connect && connection->service)
            observer->on_connect(observer, connection);
    }
}

struct sse_connection *sse_connection_open(struct sse_service *service,
                                           const struct sse_connection_options *options)
{
    struct sse_connection *connection = connection_new(service, options);
    const struct sse_arrival arrival = arrival_of(service, options);

    sse_registry_add(service->registry, connection);
    sse_connection_set_names(connection, SSE_GROUP_CHANNEL, options->channels,
                             options->channel_count);
    sse_connection_set_names(connection, SSE_GROUP_LISTENER, options->listeners,
                             options->listener_count);
    connection->joined = arrival.opened;
    connection->resumed = arrival.after;
    connection->opened = arrival.opened;
    sse_server_events_greet(connection, options, &arrival);
    if (arrival.after < arrival.opened)
        sse_backlog_catch_up(connection, &arrival);
    start_timer(connection);
    service->counters.connections_opened++;
    tell_connect(connection, &arrival);
    wake(connection);
    return connection;
}

void sse_connection_drain(struct sse_connection *connection)
{
    if (!connection->service)
        return;
    if (connection->home->drain.spread_ms == 0) {
        sse_connection_close(connection, SSE_CLOSE_DRAIN, NULL, -1);
        return;
    }
    end_with_drain(connection);
    start_timer(connection);
}

void sse_connection_set_user(struct sse_connection *connection, struct sse_user *user)
{
    struct sse_user *before = connection->user;
    struct sse_service *service = connection->service;

    if (!service)
        return;
    sse_registry_set_user(service->registry, connection, sse_user_ref(user));
    sse_user_unref(before);
    service->counters.users_refreshed++;
    set_expiry(connection);
    start_timer(connection);
    list_for_each_safe(node, after, &service->observers) {
        struct sse_observer *observer = container_of(node, struct sse_observer, node);

        if (observer->on_user)
            observer->on_user(observer, connection);
    }
}

static void tell_dropped(struct sse_connection *connection, const char *policy,
                         const struct sse_event *event, size_t count, uint64_t position)
{
    const struct sse_drop drop = {policy, event->name, count, position};

    if (count == 0)
        return;
    list_for_each_safe(node, after, &connection->home->observers) {
        struct sse_observer *observer = container_of(node, struct sse_observer, node);

        if (observer->on_dropped)
            observer->on_dropped(observer, connection, &drop);
    }
}

static void note_dropped(struct sse_connection *connection, size_t count)
{
    connection->home->counters.events_dropped_oldest += count;
    if (count > 0)
        sse_backlog_add_dropped(connection, count);
}

/* Nobody misses a heartbeat. *position: where the newest of them is in the log. */
static size_t drop_oldest(struct sse_connection *connection, size_t size, uint64_t *position)
{
    const struct sse_event *sign = sign_of_life(connection);
    size_t dropped = 0;

    if (!fits(connection, size))
        (void)sse_queue_drop(&connection->queue, sign->name, sign->name_hash);

    while (!fits(connection, size)) {
        const uint64_t next = sse_queue_oldest_position(&connection->queue);

        if (sse_queue_drop_oldest(&connection->queue) == 0)
            break;
        *position = next > 0 ? next : *position;
        dropped++;
    }
    return dropped;
}

/* By policy; whether the event fits now. */
static bool make_room(struct sse_connection *connection, const struct sse_event *event)
{
    struct sse_service *service = connection->home;
    const size_t size = event->wire->length;
    const size_t bytes_before = connection->queue.bytes;
    size_t dropped, older = 0;
    uint64_t position = 0;
    bool has_room;

    if (service->settings->slow_policy == SSE_SLOW_LATEST)
        older = sse_queue_drop(&connection->queue, event->name, event->name_hash);
    service->counters.events_dropped_latest += older;
    tell_dropped(connection, "latest", event, older, 0);
    dropped = drop_oldest(connection, size, &position);
    has_room = fits(connection, size);
    /* What is older may not be dropped. A kept one will come again. */
    if (!has_room && !event->is_kept)
        dropped++;
    note_dropped(connection, dropped);
    tell_dropped(connection, "drop-oldest", event, dropped, position);
    account(connection, bytes_before);
    return has_room;
}

/* It never fits: its page is told. The sink may have freed the connection when this returns. */
static void refuse(struct sse_connection *connection, const struct sse_event *event)
{
    const size_t bytes_before = connection->queue.bytes;

    connection->home->counters.events_refused++;
    sse_backlog_add_dropped(connection, 1);
    tell_dropped(connection, "too-large", event, 1, 0);
    account(connection, bytes_before);
    if (bytes_before == 0)
        wake(connection);
}

bool sse_connection_push(struct sse_connection *connection, struct sse_event *event)
{
    struct sse_service *service = connection->service;
    const size_t size = event->wire->length;

    if (!service)
        return false;
    if (__builtin_expect(!fits(connection, size), 0)) {
        if (size > service->settings->queue_bytes) {
            refuse(connection, event);
            return false;
        }
        if (service->settings->slow_policy == SSE_SLOW_DISCONNECT) {
            service->counters.events_dropped_slow++;
            service->counters.slow_disconnects++;
            tell_dropped(connection, "disconnect", event, 1, 0);
            sse_connection_close(connection, SSE_CLOSE_SLOW, NULL, -1);
            return false;
        }
        if (!make_room(connection, event))
            return false;
    }
    connection->message_count++;
    service->counters.events_queued++;
    if (enqueue(connection, event))
        wake(connection);
    return true;
}

bool sse_connection_has_room(const struct sse_connection *connection, size_t size)
{
    const struct sse_service_settings *settings = connection->home->settings;

    if (connection->queue.count == 0)
        return true;
    return connection->queue.bytes + size <= settings->queue_bytes / 2 &&
           connection->queue.count < settings->queue_events / 2;
}

bool sse_connection_is_drained(const struct sse_connection *connection)
{
    const struct sse_service_settings *settings = connection->home->settings;

    return connection->queue.bytes <= settings->queue_bytes / 4 &&
           connection->queue.count <= settings->queue_events / 4;
}

void sse_connection_raise_barrier(struct sse_connection *connection)
{
    connection->barrier_mark = UINT64_MAX;
    if (connection->backlog)
        sse_backlog_raise_barrier(connection->backlog);
}

void sse_connection_lift_barrier(struct sse_connection *connection)
{
    connection->barrier_mark = sse_dispatch_mark(connection->home->dispatch);
    if (connection->backlog)
        sse_backlog_lift_barrier(connection->backlog);
}

static void tell_disconnect(struct sse_service *service, struct sse_connection *connection,
                            enum sse_close_reason reason, const char *text)
{
    list_for_each_safe(node, after, &service->observers) {
        struct sse_observer *observer = container_of(node, struct sse_observer, node);

        if (observer->on_disconnect)
            observer->on_disconnect(observer, connection, reason, text);
    }
}

/* What still waits, as the reason has it; then the last event. */
static void settle_queue(struct sse_connection *connection, enum sse_close_reason reason,
                         const char *text, int64_t reconnect_ms)
{
    const size_t bytes_before = connection->queue.bytes;
    struct sse_event *last;

    if (reason == SSE_CLOSE_GONE)
        sse_queue_release(&connection->queue);
    if (reason == SSE_CLOSE_SLOW)
        connection->home->counters.events_dropped_slow +=
            sse_queue_drop(&connection->queue, NULL, 0);
    account(connection, bytes_before);
    last = sse_server_events_last(connection, reason, text, reconnect_ms);
    if (last)
        (void)enqueue(connection, last);
    sse_event_unref(last);
}

void sse_connection_close(struct sse_connection *connection, enum sse_close_reason reason,
                          const char *text, int64_t reconnect_ms)
{
    struct sse_service *service = connection->service;

    if (!service)
        return;
    connection->service = NULL;
    connection->close_reason = reason;
    connection->ended_at = loop_now_ms(service->loop);
    loop_timer_stop(&connection->timer);
    sse_registry_remove(service->registry, connection);
    sse_ended_add(service->ended, connection);
    service->counters.connections_closed[reason]++;
    tell_disconnect(service, connection, reason, text);
    if (connection->backlog)
        sse_backlog_end(connection->backlog);
    settle_queue(connection, reason, text, reconnect_ms);
    if (reason == SSE_CLOSE_GONE && connection->sink)
        connection->sink->close(connection->sink_context);
    else
        wake(connection);
}

static bool comes_back(enum sse_close_reason reason)
{
    return reason == SSE_CLOSE_SLOW || reason == SSE_CLOSE_LIFETIME || reason == SSE_CLOSE_DRAIN ||
           reason == SSE_CLOSE_EXPIRED;
}

/* At the end of its life a client that hears reasons was told nothing. */
static bool was_told(const struct sse_connection *connection)
{
    return connection->close_reason != SSE_CLOSE_LIFETIME || !connection->hears_reasons;
}

bool sse_connection_send_away(struct sse_connection *connection, const char *text)
{
    const size_t bytes_before = connection->queue.bytes;
    struct sse_event *last;

    if (connection->service || !connection->sink || connection->queue.count == 0 ||
        !comes_back(connection->close_reason))
        return false;
    if (was_told(connection) && !sse_queue_drop_newest(&connection->queue))
        return false;
    account(connection, bytes_before);
    connection->close_reason = SSE_CLOSE_KICKED;
    last = sse_server_events_last(connection, SSE_CLOSE_KICKED, text, 0);
    (void)enqueue(connection, last);
    sse_event_unref(last);
    wake(connection);
    return true;
}

size_t sse_connection_ready(const struct sse_connection *connection, bool *last)
{
    *last = !connection->service;
    return connection->queue.bytes;
}

void sse_connection_take(struct sse_connection *connection, char *to, size_t length)
{
    sse_queue_take(&connection->queue, to, length);
    connection->home->queued_bytes -= length;
    connection->home->counters.bytes_sent += length;
    if (connection->backlog && sse_connection_is_drained(connection))
        sse_backlog_rouse(connection->backlog);
}

bool sse_connection_take_last_words(struct sse_connection *connection, const char *text,
                                    int64_t session_duration)
{
    const struct sse_service *service = connection->home;

    if (connection->service || connection->close_reason != SSE_CLOSE_GONE)
        return false;
    connection->close_reason = SSE_CLOSE_CLIENT;
    if (session_duration >= 0)
        connection->session_duration = session_duration;
    list_for_each_safe(node, after, &service->observers) {
        struct sse_observer *observer = container_of(node, struct sse_observer, node);

        if (observer->on_last_words)
            observer->on_last_words(observer, connection, text);
    }
    return true;
}

static void release(struct sse_connection *connection)
{
    struct sse_service *service = connection->home;

    sse_registry_forget(service->registry, connection);
    sse_client_info_free(connection->info, service->intern);
    sse_user_unref(connection->user);
    free(connection);
}

void sse_connection_gone(struct sse_connection *connection)
{
    struct sse_service *service = connection->home;
    const size_t bytes_before = connection->queue.bytes;

    connection->sink = NULL;
    sse_connection_close(connection, SSE_CLOSE_GONE, NULL, -1);
    if (connection->queue.count > 0) {
        sse_queue_release(&connection->queue);
        service->queued_bytes -= bytes_before;
    }
    if (!connection->is_remembered)
        release(connection);
}

void sse_connection_forgotten(struct sse_connection *connection)
{
    connection->is_remembered = false;
    if (!connection->sink)
        release(connection);
}

uint64_t sse_connection_written(const struct sse_connection *connection)
{
    const uint64_t waiting = sse_queue_position(&connection->queue);
    uint64_t seen;

    if (waiting > 0)
        return waiting - 1;
    if (connection->backlog && sse_backlog_has_seen(connection->backlog, &seen))
        return seen;
    return sse_dispatch_position(connection->home->dispatch);
}

int64_t sse_connection_life_ms(const struct sse_connection *connection)
{
    return connection->ends_at > 0 ? (int64_t)(connection->ends_at - connection->created_at) : 0;
}

struct sse_client_info sse_connection_info(const struct sse_connection *connection)
{
    struct sse_client_info info = {
        .access_time = connection->access_time,
        .session_duration = connection->session_duration,
    };

    sse_client_info_unpack(connection->info, &info);
    return info;
}
