/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_PRESENCE_READER_H
#define BROKER_PRESENCE_READER_H
/*
 * Reads the presence events of a service from its owner (broker/presence_log.h) at the pace of its
 * taker. Only the next few events wait for it. A reader that is so slow that the owner has
 * forgotten what follows is told so.
 */
#include "base/list.h"
#include "base/loop.h"
#include "broker/broker.h"

struct broker_service;
struct presence_reader;

/* Who takes what is read. */
struct presence_taker {
    /* It is known to the owner, unless it was refused, which ends it. */
    void (*opened)(struct presence_reader *reader, const struct broker_watched *watched);
    bool (*has_room)(const struct presence_reader *reader);
    void (*take)(struct presence_reader *reader, struct bytes *wire); /* borrowed */
    void (*snapshot_over)(struct presence_reader *reader);
    void (*lost)(struct presence_reader *reader);   /* the owner has forgotten what follows */
    void (*closed)(struct presence_reader *reader); /* the last call: it may be freed */
};

/* Who is there, as it is told before the events. */
struct presence_snapshot {
    size_t connections, users; /* so many were shown, those that came twice included */
    size_t worker;             /* where the next piece is from */
    size_t position;           /* there; those behind it were shown */
    bool is_in_users;          /* which come behind all connections */
};

/* Embed it in the taker, zero-filled but for the first members. */
struct presence_reader {
    const struct presence_taker *taker;
    struct broker_service *service;
    unsigned kinds;
    char *tenants;    /* whose events are read, and users where one is of one tenant; words, lent;
                         NULL: all */
    struct list node; /* among those of its shard, once it begins */
    struct broker_request request;
    struct presence_snapshot snapshot;
    struct loop_task more;
    bool is_in_snapshot; /* what follows is a piece of it */
    bool is_asking;      /* a question is under way */
    bool has_events;     /* the owner may have something */
    bool is_stopped;     /* nothing is taken any more */
    bool is_closed;
    uint64_t after; /* the number of the last event that was read */
};

/* last_id: of the last event that is known; "": none. */
void presence_reader_open(struct presence_reader *reader, const char *last_id);
/* Of one that was opened, and not refused: reads, behind this number. */
void presence_reader_begin(struct presence_reader *reader, uint64_t after, bool is_in_snapshot);
/* There may be room again: in a task, not while the stream is being sent. */
void presence_reader_go_on(struct presence_reader *reader);
/* Of one that was opened: it is over, at once or when its question has come back. */
void presence_reader_close(struct presence_reader *reader);

/* BROKER_WAKE_WATCHERS */
void presence_readers_wake(struct broker_service *service);
/* A shard: answers BROKER_SNAPSHOT. */
void presence_snapshot_receive(const struct broker_service *service,
                               const struct broker_message *question);

#endif
