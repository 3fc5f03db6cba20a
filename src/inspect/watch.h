/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INSPECT_WATCH_H
#define INSPECT_WATCH_H
/*
 * The event stream of a back end that watches something: what waits for it, a comment while it is
 * silent, and whether its credential still counts. Who writes it embeds it.
 */
#include <stdbool.h>

#include "api/worker.h"
#include "auth/auth.h"
#include "base/loop.h"
#include "sse/queue.h"

struct api_exchange;
struct buf;
struct bytes;
struct h2_stream;
struct sse_event_fields;
struct watch;

struct watch_kind {
    enum auth_permission permission; /* that its credential needs */
    const char *last_event;          /* its name: {"reason": …} */
    /* Some of what waited has been taken; NULL: nothing is done. */
    void (*taken)(struct watch *watch);
    /* Its last event is written. */
    void (*ended)(struct watch *watch);
    /* The stream has gone: its writer releases it, now or later. */
    void (*closed)(struct watch *watch);
};

struct watch {
    struct api_watcher watcher; /* of its service */
    const struct watch_kind *kind;
    struct api_service *service;
    struct api_exchange *exchange; /* a reference, until the stream is there */
    struct h2_stream *stream;      /* lives longer than this, once it is there */
    struct sse_queue queue;
    char *credential, *tenants; /* of the exchange */
    bool is_token;              /* or an API key */
    bool is_ended;              /* nothing more is written */
    struct loop_timer comment, check;
};

/* Whether one may be opened now; else it has answered. */
bool watch_is_possible(struct api_exchange *exchange);
void watch_init(struct watch *watch, const struct watch_kind *kind, struct api_exchange *exchange);
/* Answers the exchange with what greet writes first and all that follows. False: it cannot be any
 * more, and has been answered; nothing is called then. Else closed may come in here. */
bool watch_open(struct watch *watch, void (*greet)(struct watch *watch));
/* Takes over the reference to what is written: events, or a comment. */
void watch_push(struct watch *watch, struct bytes *wire);
void watch_push_fields(struct watch *watch, const struct sse_event_fields *fields);
/* An event with JSON as its data, which is released. id: NULL: none. */
void watch_push_json(struct watch *watch, const char *name, const char *id, struct buf *json);
/* With the last event; no-op when it has been. */
void watch_end(struct watch *watch, const char *reason);
void watch_release(struct watch *watch);

#endif
