/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_PRESENCE_WATCH_H
#define API_PRESENCE_WATCH_H
/*
 * The event streams of back ends that watch who comes and goes, on this worker. A watcher reads
 * from the log (broker/presence_log.h) as it has room: nothing waits for it but the next few
 * events, and one that is so slow that the hub has forgotten what follows is closed and told so.
 */
#include <stddef.h>

#include "base/list.h"

struct api_exchange;
struct api_service;

struct presence_watches {
    struct list list;
    size_t count;
};

/* What a request asks for. */
struct presence_wish {
    const char *last_id;   /* of the last event that it knows; NULL: none */
    bool is_with_snapshot; /* who is there comes first, if it is not resumed */
    unsigned kinds;
};

void presence_watches_init(struct presence_watches *watches);

/* Answers the exchange with a stream, or an error, now or later. */
void presence_watch_start(struct api_exchange *exchange, const struct presence_wish *wish);

/* Answers as for a stream, without one: HEAD. */
void presence_watch_show(struct api_exchange *exchange);

/* The hub has something. */
void presence_watches_wake(struct presence_watches *watches);

/* The server stops: every stream ends, and says so. */
/* API keys or the keys of tokens have changed: whose credential no longer counts is ended. */
void presence_watches_check(struct presence_watches *watches);
void presence_watches_drain(struct presence_watches *watches);

#endif
