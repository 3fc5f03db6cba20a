/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_ENGINE_H
#define BROKER_ENGINE_H
/*
 * What has to be exact for a service on all nodes, behind operations: who holds which slots, who is
 * online, who has claimed which idempotency key, what is next in the order, which messages are
 * stored. src/broker/local does it for a single node, in memory and with SQLite. There is one for
 * each service, of its owner, in whose thread all is called but back_up.
 *
 * A question belongs to its asker, who has filled it and called its init. It comes back by its
 * done, with its answer and a status: 0, or a negative errno, and then nothing of it has happened.
 * Answers come later, never from inside of the call. Those about stored messages come in the order
 * of the questions but for those of a sweep; what was committed before is known to all questions
 * that follow.
 *
 * What is told, not asked, cannot be refused: an engine that does not reach its store has to make
 * up for it when it does. It counts before what is asked or told behind it.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "broker/limits.h"
#include "qos/repository.h"

struct broker_batch;
struct bytes;
struct engine;
struct loop;
struct qos_acknowledge;
struct qos_backup;
struct qos_copies;
struct qos_delete;
struct qos_inspect;
struct qos_job;
struct qos_keep_revocations;
struct qos_list;
struct qos_mark;
struct qos_put;
struct qos_queues;
struct qos_read;
struct qos_read_revocations;
struct qos_recipient;
struct sse_presence;
struct sse_user;

/* A stream, or an upload, wants to begin: with one slot of each key, or none of them. */
struct engine_attach {
    struct qos_job job;
    const struct broker_attach *wanted; /* lent until it comes back */
    bool is_refused;
    enum broker_slot refused; /* for want of which slot */
};

/* What is sent without being stored, or who is sent away: it wants its place in the one order of
 * the service. */
struct engine_append {
    struct qos_job job;               /* the engine's */
    const struct broker_batch *round; /* lent until it comes back */
    bool is_behind_puts;              /* not before what was put before */
    int status;
    void (*done)(struct engine_append *append);
};

/* A request with an idempotency key wants to run: now, if it is the first with this key, or it gets
 * what that has got. While that is not known it waits. */
struct engine_claim {
    struct qos_job job;
    struct list node;                  /* the engine's */
    const struct broker_claim *wanted; /* lent as above */
    int outcome;                       /* of the first, */
    struct bytes *body;                /* a reference; NULL: this one runs, and has to settle */
};

struct engine_report {
    struct qos_store_report store;
    size_t clients; /* with a connection */
    size_t keys;    /* idempotency keys whose answers are kept */
    uint64_t keys_replayed, keys_evicted;
};

struct engine_ops {
    /* Runs what was asked and hands it back, but nothing that is asked meanwhile; then ends. */
    void (*free)(struct engine *engine);
    /* Nobody waits any more: what has not begun, and what follows, fails with -ESHUTDOWN. */
    void (*abandon)(struct engine *engine);

    /* Slots. Asked before something begins; told that a stream has opened, whose client may have
     * one too many now; told that it is over, or was not opened. For one connection these come one
     * behind the other: what it took counts until it has given it back. */
    void (*attach)(struct engine *engine, struct engine_attach *attach);
    void (*open)(struct engine *engine, const struct broker_opened *opened);
    void (*detach)(struct engine *engine, const struct broker_detach *detach);
    /* Presence. Told that a connection of a user has come, or gone. about: what back ends are told
     * with it, or NULL; left: who that was, or NULL. Both are kept (by a reference, a copy) as long
     * as they are needed. */
    void (*come)(struct engine *engine, const char *user_key, struct bytes *about);
    void (*go)(struct engine *engine, const char *user_key, struct bytes *about,
               const struct sse_user *left);
    /* What is known of it here, for queries: who has connections, or is away for the grace time. */
    struct sse_presence *(*presence)(struct engine *engine);
    /* Idempotency keys. */
    void (*claim)(struct engine *engine, struct engine_claim *claim);
    void (*settle)(struct engine *engine, const struct broker_outcome *outcome);
    /* Other limits. Who is above a new one stays, and gets no more. */
    void (*change)(struct engine *engine, const struct engine_limits *limits);

    /* Messages are stored; each comes back when it is next in the order. */
    void (*put)(struct engine *engine, struct qos_put *put);
    /* Comes back when it is next in the order, in which all appends come back as they were asked;
     * puts that are asked later come back behind it. */
    void (*append)(struct engine *engine, struct engine_append *append);
    /* While it is held no answer of the store is given but to those that waited for too long: what
     * the answers before are about takes several turns, and those that follow rest on it. */
    void (*hold)(struct engine *engine, bool is_held);

    /* Copies end: by their pages, by redelivery, by back ends. */
    void (*acknowledge)(struct engine *engine, struct qos_acknowledge *acknowledge);
    void (*mark)(struct engine *engine, struct qos_mark *mark);
    void (*delete)(struct engine *engine, struct qos_delete *delete);

    /* A connection has come: which of these queues have messages? Answered behind all puts that
     * were committed before. The owner writes each as it comes back, or holds what follows: so the
     * connection joins its queues when all that it may lack has a position. */
    void (*look)(struct engine *engine, struct qos_queues *queues);
    /* The next messages of a queue. */
    void (*read)(struct engine *engine, struct qos_read *read);

    /* Back ends ask for one message, or for lists. */
    void (*find)(struct engine *engine, struct qos_inspect *inspect);
    void (*list)(struct engine *engine, struct qos_list *list);

    /* Revocations, which a restart does not forget. */
    void (*keep)(struct engine *engine, struct qos_keep_revocations *keep);
    void (*restore)(struct engine *engine, struct qos_read_revocations *read);

    void (*report)(struct engine *engine, struct engine_report *report);
    /* Any thread; as qos_store_back_up(). */
    int (*back_up)(struct engine *engine, struct qos_backup *backup);
};

/* Embed it first in the struct of the concrete one. */
struct engine {
    const struct engine_ops *ops;
};

/* What an engine says by itself. None comes from inside of a call, nor of free. */
struct engine_events {
    void *context;
    /* Now and then while something is kept, or it does not work: time has ended these copies.
     * status: 0, or why it does not work; then what has failed is asked again another time. */
    void (*swept)(void *context, int status, const struct qos_copies *ended);
    /* A user is online now, with the first connection, or offline, some time after the last. about:
     * of the one or the other. */
    void (*user)(void *context, bool is_online, const char *user_key, struct bytes *about);
    /* This connection, which lives here, gives way to a newer one of its client. */
    void (*evicted)(void *context, const char *handle);
    /* What another node has appended is next in the order. A reference. */
    void (*appended)(void *context, struct broker_batch *round);
    /* Another node owns this queue from now on, or not any more. */
    void (*owned)(void *context, const struct qos_recipient *recipient, bool is_owned_here);
};

/* For its whole life, but for what the pointers lead to. */
struct engine_settings {
    const char *service;  /* its name, for the log */
    bool is_in_memory;    /* instead of in: */
    const char *file;     /* SQLite's */
    uint32_t patience_ms; /* that a question which somebody waits for waits to begin; 0: for ever */
    bool has_tenants_keys; /* users are unique in their tenants alone (users.unique) */
    /* How long ended messages are known, and how many of them; read whenever it counts. */
    const uint32_t *remember_ms, *remembered;
    struct engine_limits limits; /* to begin with */
};

typedef struct engine *(*engine_maker)(struct loop *loop, const struct engine_settings *settings,
                                       const struct engine_events *events);

#endif
