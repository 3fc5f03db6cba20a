/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_SERVICE_H
#define SSE_SERVICE_H
/*
 * One worker's part of a named service: its settings, its registry, its counters and those who
 * watch it. Single-threaded; the other workers have parts of their own.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/histogram.h"
#include "base/list.h"
#include "sse/connection.h"
#include "sse/connection_id.h"
#include "sse/history.h"
#include "sse/lifetime.h"

struct loop;
struct sse_backlogs;
struct sse_dispatch;
struct sse_ended;
struct sse_intern;
struct sse_log;
struct sse_registry;
struct sse_service;

/* Within what a user's id is one user's; in the order of its words. */
enum sse_unique { SSE_UNIQUE_IN_SERVICE, SSE_UNIQUE_IN_TENANT };

enum sse_slow_policy { SSE_SLOW_DISCONNECT, SSE_SLOW_DROP_OLDEST, SSE_SLOW_LATEST };

/* Immutable; shared by all workers. */
struct sse_service_settings {
    const char *name;      /* "hr" */
    const char *base_path; /* "/sse/hr" */
    const char *version;   /* of the program, for connect-finish */
    uint32_t reconnect_ms; /* 5000: retry: and reconnectTime */
    uint32_t comment_ms;   /* 25000: a heartbeat after this much silence; 0: none */
    int64_t lifetime_ms;   /* 3600000, drawn from 80 to 100 %; 0: the page may choose */
    bool honors_keepalive; /* it may choose a shorter one in any case, from a minute on */
    size_t queue_bytes;    /* 1 MiB per connection */
    uint32_t queue_events; /* 1000 per connection */
    enum sse_slow_policy slow_policy;
    uint32_t client_connections;      /* 3 per clientId; 0: no limit */
    bool counts_clientless;           /* a user's pages without clientId are one client, too */
    uint32_t listeners;               /* 100 names per connection */
    uint32_t channels_per_connection; /* 100 */
    size_t event_data_bytes;          /* 64 KiB */
    size_t line_bytes;                /* 60 KiB of its data that cannot be broken */
    uint32_t offline_grace_ms;        /* 5000 */
    uint32_t last_words_ms;           /* 5000: ended connections are remembered; 0: none are */
    uint32_t last_words_connections;  /* 10000 of them */
    uint32_t token_expiry_notice_ms;  /* 60000, before a credential ends; 0: none */
    uint32_t ordered_calls;           /* 64 of a page that wait for their turn; 0: no order */
    uint32_t ordered_wait_ms;         /* 5000, for one that does not come */
    struct sse_history_settings history;
    size_t log_lag; /* 64 MiB that a worker may be behind the owner */
    enum sse_unique users_unique;
    bool asks_acknowledgement; /* pages tell which stored messages they have handled; */
    bool asks_who_offers;      /* those whose client has said that it does */
    bool show_secrets;         /* to who asks for users or connections; for debugging */
};

extern const struct sse_service_settings sse_service_settings_default;

struct sse_counters {
    uint64_t connections_opened;
    uint64_t connections_closed[SSE_CLOSE_REASONS];
    uint64_t messages;      /* dispatched */
    uint64_t events_queued; /* one per connection written to */
    uint64_t events_dropped_oldest, events_dropped_latest, events_dropped_slow;
    uint64_t events_refused; /* larger than the whole bound */
    uint64_t slow_disconnects;
    uint64_t gaps;            /* sse-gap: pages told that they miss something */
    uint64_t resumed;         /* connections that go on where their page was */
    uint64_t replayed;        /* events that they had missed */
    uint64_t comments;        /* and heartbeats */
    uint64_t expiry_notices;  /* credentials about to end */
    uint64_t users_refreshed; /* credentials replaced */
    uint64_t bytes_sent;
    struct histogram send_delays; /* sse/event.h */
};

/* Events that a connection does not get, or not any more. */
struct sse_drop {
    const char *policy; /* a word: disconnect, drop-oldest, latest; too-large: it never fits */
    const char *event;  /* the name of the one that was to be queued */
    size_t count;
    uint64_t position; /* where the newest of those that were queued is in the log; 0: not known */
};

/* Intrusive observer; every member may be NULL. Called while the connection is still whole. */
struct sse_observer {
    struct list node;
    void (*on_connect)(struct sse_observer *observer, struct sse_connection *connection);
    void (*on_disconnect)(struct sse_observer *observer, struct sse_connection *connection,
                          enum sse_close_reason reason, const char *text);
    /* The page of one that ended as SSE_CLOSE_GONE has said why, some time after that. */
    void (*on_last_words)(struct sse_observer *observer, struct sse_connection *connection,
                          const char *text);
    void (*on_listening)(struct sse_observer *observer, struct sse_connection *connection,
                         const char *event, bool after);
    /* It has joined a channel, or left it; not of those that it begins with. */
    void (*on_channel)(struct sse_observer *observer, struct sse_connection *connection,
                       const char *channel, bool after);
    void (*on_dropped)(struct sse_observer *observer, struct sse_connection *connection,
                       const struct sse_drop *drop);
    /* Its page is told that it misses something behind the one position and up to the other: what
     * is not in the log any more. Not of those that begin with a gap. */
    void (*on_gap)(struct sse_observer *observer, struct sse_connection *connection, uint64_t after,
                   uint64_t position);
    /* Its user's credential is another one. */
    void (*on_user)(struct sse_observer *observer, struct sse_connection *connection);
};

struct sse_service {
    const struct sse_service_settings *settings;
    struct sse_shard shard; /* its worker's; the maker sets it before a connection opens */
    struct loop *loop;
    struct sse_registry *registry;
    struct sse_ended *ended;
    struct sse_dispatch *dispatch;
    struct sse_log *log; /* the workers' */
    /* What is for its connections up to this position it has been told of. */
    uint64_t position;
    struct sse_history *history; /* of the owner; NULL elsewhere */
    struct sse_backlogs *backlogs;
    struct sse_intern *intern; /* texts that its connections share */
    struct sse_counters counters;
    struct sse_drain drain; /* of a server that stops */
    struct list observers;
    struct sse_arrival arrival; /* of the connection of which on_connect tells */
    const char *traceparent;    /* of the request that brings what observers are told now,
                                   while they are; NULL: it has none, or none does */
    size_t queued_bytes;        /* of all its connections */
    struct sse_event *comment, *heartbeat; /* shared */
};

/* A reference to the log is taken. */
struct sse_service *sse_service_new(struct loop *loop, const struct sse_service_settings *settings,
                                    struct sse_log *log);
/* This worker owns it, and keeps its history from now on. */
void sse_service_own(struct sse_service *service);
/* Other settings, borrowed as well: they count for what begins from now on, and bounds for what
 * there is. The name stays. */
void sse_service_change(struct sse_service *service, const struct sse_service_settings *settings);
/* All its connections must be gone. */
void sse_service_free(struct sse_service *service);

#endif
