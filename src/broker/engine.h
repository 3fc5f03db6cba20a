/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_ENGINE_H
#define BROKER_ENGINE_H
/*
 * Where a service's messages are kept, behind operations; src/broker/local keeps them with SQLite.
 * There is one for each service, of its owner, in whose thread all is called but back_up.
 *
 * A question belongs to its asker, who has filled it and called its init. It comes back by its
 * done, with its answer and a status: 0, or a negative errno. Answers come later, never from
 * inside of the call, and in the order of the questions but for those of a sweep. What was
 * committed before is known to all questions that follow.
 */
#include <stdbool.h>
#include <stdint.h>

#include "qos/repository.h"

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

struct engine_ops {
    /* Runs what was asked and hands it back, but nothing that is asked meanwhile; then ends. */
    void (*free)(struct engine *engine);
    /* Nobody waits any more: what has not begun, and what follows, fails with -ESHUTDOWN. */
    void (*abandon)(struct engine *engine);

    /* Messages are stored. */
    void (*put)(struct engine *engine, struct qos_put *put);
    /* Nothing is; comes back behind what was put before. */
    void (*pass)(struct engine *engine, struct qos_job *job);
    /* While it is held no other answer is given but to those that have waited for too long: what
     * the answers before are about takes several turns, and those that follow rest on it. */
    void (*hold)(struct engine *engine, bool is_held);

    /* Copies end: by their pages, by redelivery, by back ends. */
    void (*acknowledge)(struct engine *engine, struct qos_acknowledge *acknowledge);
    void (*mark)(struct engine *engine, struct qos_mark *mark);
    void (*delete)(struct engine *engine, struct qos_delete *delete);

    /* A connection attaches: which of these queues have messages? */
    void (*attach)(struct engine *engine, struct qos_queues *queues);
    /* The next messages of a queue. */
    void (*read)(struct engine *engine, struct qos_read *read);

    /* Back ends ask for one message, or for lists. */
    void (*find)(struct engine *engine, struct qos_inspect *inspect);
    void (*list)(struct engine *engine, struct qos_list *list);

    /* Revocations, which a restart does not forget. */
    void (*keep)(struct engine *engine, struct qos_keep_revocations *keep);
    void (*restore)(struct engine *engine, struct qos_read_revocations *read);

    void (*report)(struct engine *engine, struct qos_store_report *report);
    /* Any thread; as qos_store_back_up(). */
    int (*back_up)(struct engine *engine, struct qos_backup *backup);
};

/* Embed it first in the struct of the concrete one. */
struct engine {
    const struct engine_ops *ops;
};

/* What an engine says by itself. None comes from inside of a call. */
struct engine_events {
    void *context;
    /* Now and then while something is kept, or it does not work: time has ended these copies.
     * status: 0, or why it does not work; then what has failed is asked again another time. */
    void (*swept)(void *context, int status, const struct qos_copies *ended);
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
};

typedef struct engine *(*engine_maker)(struct loop *loop, const struct engine_settings *settings,
                                       const struct engine_events *events);

#endif
