/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_PRESENCE_LOG_H
#define BROKER_PRESENCE_LOG_H
/*
 * The presence events of a service, at its owner: they get their numbers and are kept for the
 * watchers, which live on any worker and ask for what follows. It records while somebody watches,
 * and some time longer, so that a watcher that comes back misses nothing. Where somebody else is
 * told of every event (notifications), it records always; while nobody watches, events are kept for
 * that time.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/age_timer.h"
#include "base/loop.h"
#include "broker/presence_history.h"

struct broker;
struct broker_message;
struct presence_subject;

struct presence_log_settings {
    uint32_t history;     /* events that are kept for watchers that come back, */
    size_t history_bytes; /* and their size */
    uint32_t keep_ms;     /* how long it goes on when the last one has left */
    uint32_t watchers;
    bool is_always; /* it records, whether or not somebody watches */
};

/* Hears of every event as it gets its id. json is the log's. */
struct presence_log_listener {
    void (*on_event)(void *context, enum presence_kind kind, const char *user_key, const char *id,
                     struct bytes *json);
    void *context;
};

struct presence_log {
    struct broker *broker;
    struct loop *loop;
    size_t service; /* its index */
    struct presence_log_settings settings;
    struct presence_log_listener listener;
    struct presence_history history;
    struct loop_timer keep; /* runs while it records, for watchers only, and nobody watches */
    struct age_timer age;   /* of events, while it records always and nobody watches */
    struct loop_task wake;  /* the watchers, once for all events of a turn */
    size_t watchers;
    bool is_recording;
    bool *is_waiting; /* by worker: it has watchers that have read everything */
    uint64_t added, gaps, refused;
};

void presence_log_init(struct presence_log *log, struct broker *broker, size_t service,
                       struct loop *loop, const struct presence_log_settings *settings);
void presence_log_change(struct presence_log *log, const struct presence_log_settings *settings);
void presence_log_release(struct presence_log *log);

/* Takes over the reference to json. */
void presence_log_add(struct presence_log *log, enum presence_kind kind,
                      const struct presence_subject *about, struct bytes *json);

/* What shards tell and ask for their watchers: BROKER_WATCH, answered when every shard records, or
 * when there are too many; BROKER_READ; BROKER_UNWATCH, for one that was not refused. */
void presence_log_receive(struct presence_log *log, const struct broker_message *message);

#endif
