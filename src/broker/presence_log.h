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

#include "base/loop.h"
#include "base/slices.h"
#include "broker/message.h"
#include "broker/presence_event.h"

struct broker;
struct bytes;

/* ---- the history ---- */

/* The last events, numbered in order and encoded once, from which every watcher reads at its own
 * pace. Ids are "<epoch>-<number>"; an epoch is one unbroken recording, so that an id of another
 * one is recognised. Knows no clock and no threads. */
#define PRESENCE_EPOCH_SIZE 17u /* 64 random bits in hex, and a NUL */
#define PRESENCE_ID_SIZE    BROKER_PRESENCE_ID_SIZE

/* What a watcher that was here before can have. */
enum presence_resume {
    PRESENCE_RESUMED, /* all that it has missed */
    PRESENCE_TOO_OLD, /* some of that is not kept any more */
    PRESENCE_OTHER,   /* its id is of another epoch: the server, or its recording, began anew */
    PRESENCE_UNKNOWN, /* its id is none that was given */
    PRESENCE_RESUMES
};

extern const char *const presence_resume_words[PRESENCE_RESUMES];

struct presence_entry;

struct presence_history {
    char epoch[PRESENCE_EPOCH_SIZE];
    uint64_t last; /* number of the newest; 0: there was none yet */
    struct presence_entry *ring;
    size_t capacity, first, count;
    size_t bytes;
    size_t most, most_bytes;
};

void presence_history_init(struct presence_history *history, size_t most, size_t most_bytes);
void presence_history_release(struct presence_history *history);

/* A new epoch, with nothing in it. */
void presence_history_restart(struct presence_history *history);

/* Numbers the event and keeps it; the oldest make room. tenant_id: that it is of; "": none. at: ms
 * of its owner's clock. */
void presence_history_add(struct presence_history *history, enum presence_kind kind,
                          const char *tenant_id, const struct bytes *json, uint64_t at);

/* When the oldest was added, unless there is none; the caller may forget it. */
bool presence_history_oldest(const struct presence_history *history, uint64_t *at);
void presence_history_forget_oldest(struct presence_history *history);

void presence_history_id(const struct presence_history *history, uint64_t number,
                         char id[PRESENCE_ID_SIZE]);

/* Where a watcher that shows this id goes on; *number is set when it can. */
enum presence_resume presence_history_find(const struct presence_history *history, const char *id,
                                           uint64_t *number);

/* Reads what follows for a watcher, so many events at the most; wires has room for them. At least
 * one is read, however large. */
void presence_history_read(const struct presence_history *history, const struct broker_read *read,
                           size_t most, struct broker_events *events);

/* ---- the log ---- */

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
