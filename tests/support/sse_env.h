/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_SSE_ENV_H
#define SUPPORT_SSE_ENV_H
/* One service on the fake loop, and connections to it by recording sinks. */
#include <string.h>

#include "sse/event.h"
#include "sse/log.h"
#include "sse/service.h"
#include "sse/target.h"
#include "sse/user.h"
#include "support/fake_loop.h"
#include "support/recording_sink.h"

struct sse_env {
    struct sse_service_settings settings;
    struct loop *loop;
    struct sse_service *service;
};

/* Settings without timers; the test may change them before the first connection. A worker's part
 * of a service, whose workers share a log, and one of which owns it: sse_service_own(). */
static inline void sse_env_open_part(struct sse_env *env, struct sse_log *log)
{
    env->settings = sse_service_settings_default;
    env->settings.name = "hr";
    env->settings.version = "1.2.3";
    env->settings.comment_ms = 0;
    env->settings.lifetime_ms = 0;
    env->settings.last_words_ms = 0;
    env->loop = loop_new();
    env->service = sse_service_new(env->loop, &env->settings, log);
}

static inline struct sse_log *sse_env_log(size_t workers)
{
    return sse_log_new(workers, sse_service_settings_default.history.events);
}

/* The same, alone. */
static inline void sse_env_open_alone(struct sse_env *env)
{
    struct sse_log *log = sse_env_log(1);

    sse_env_open_part(env, log);
    sse_log_unref(log);
}

/* The same, of a service that it owns. */
static inline void sse_env_open(struct sse_env *env)
{
    sse_env_open_alone(env);
    sse_service_own(env->service);
}

static inline void sse_env_close(struct sse_env *env)
{
    sse_service_free(env->service);
    loop_free(env->loop);
}

/* Who connects; NULL texts are "". */
struct sse_guest {
    const char *user, *token, *tenant, *channel;
    const char *listeners[4];
    int64_t keepalive_time_ms;
    size_t padding;
    bool wants_heartbeat;
    bool is_plain;         /* it hears no reasons */
    int64_t expires_in_ms; /* 0: never; by the wall clock of the room */
};

/* Comes back with the id of the last event that it has seen; NULL: it was not here before. */
static inline struct sse_connection *sse_env_return(struct sse_env *env,
                                                    struct recording_sink *sink,
                                                    const struct sse_guest *guest,
                                                    const char *last_id)
{
    struct sse_user *user = sse_user_new(&(struct sse_user_fields){
        .id = guest->user,
        .access_token = guest->token,
        .tenant_id = guest->tenant,
        .expires_at = guest->expires_in_ms ? loop_wall_ms(env->loop) + guest->expires_in_ms : 0});
    const struct sse_client_info info = {.user_agent = "test"};
    struct sse_connection_options options = {
        .user = user,
        .info = &info,
        .listeners = guest->listeners,
        .channels = &guest->channel,
        .channel_count = guest->channel ? 1 : 0,
        .sink = &recording_sink,
        .sink_context = sink,
        .keepalive_time_ms = guest->keepalive_time_ms,
        .padding = guest->padding,
        .wants_heartbeat = guest->wants_heartbeat,
        .hears_reasons = !guest->is_plain,
        .last_id = last_id,
    };
    const struct sse_subject subject = {
        .user = user, .channels = options.channels, .channel_count = options.channel_count};

    while (options.listener_count < 4 && guest->listeners[options.listener_count])
        options.listener_count++;
    if (last_id)
        options.resume = sse_history_find(env->service->history, last_id, &subject,
                                          loop_now_ms(env->loop), &options.after);
    sink->connection = sse_connection_open(env->service, &options);
    sse_user_unref(user);
    return sink->connection;
}

static inline struct sse_connection *
sse_env_connect(struct sse_env *env, struct recording_sink *sink, const struct sse_guest *guest)
{
    return sse_env_return(env, sink, guest, NULL);
}

/* Connects and takes what is said at the start. */
static inline struct sse_connection *
sse_env_settle(struct sse_env *env, struct recording_sink *sink, const struct sse_guest *guest)
{
    struct sse_connection *connection = sse_env_connect(env, sink, guest);

    recording_sink_drain(sink, 0);
    buf_clear(&sink->received);
    sink->wakes = 0;
    return connection;
}

static inline void sse_env_leave(struct recording_sink *sink)
{
    if (sink->connection)
        sse_connection_gone(sink->connection);
    recording_sink_release(sink);
}

static inline struct sse_event *sse_env_event(const char *name, const char *data)
{
    const struct sse_event_fields fields = {
        .name = name, .data = data, .data_length = strlen(data), .retry_ms = -1};

    return sse_event_new(name, sse_event_encode(&fields));
}

#endif
