/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_PRESENCE_HUB_H
#define API_PRESENCE_HUB_H
/*
 * Where the presence events of a service come together, on the worker that owns it: they get
 * their numbers and are kept for the watchers, which live on any worker and ask for what follows.
 * It records while somebody wants to hear it, and some time longer, so that a watcher that comes
 * back misses nothing. Where notifications are configured, it records always; while nobody listens,
 * events are kept for that time.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/presence/presence_history.h"
#include "base/age_timer.h"
#include "base/loop.h"
#include "cluster/peers.h"

struct api_service;
struct notifications;

struct presence_hub {
    struct api_service *service;
    struct presence_history history;
    struct loop_timer keep; /* runs while it records, for watchers only, and nobody listens */
    struct age_timer age;   /* of events, while it records for notifications and nobody listens */
    size_t watchers;
    bool is_recording;
    struct notifications *notifications; /* NULL: none are configured, and: */
    size_t farewells;                    /* of workers that have told all, at a stop */
    uint64_t added, gaps, refused;
    bool is_waiting[]; /* per worker: it has watchers that have read everything */
};

/* NULL in a worker that does not own the service. */
struct presence_hub *presence_hub_new(struct api_service *service);
void presence_hub_free(struct presence_hub *hub);

/* On the hub's worker. */
void presence_hub_add(struct presence_hub *hub, enum presence_kind kind, const char *user_id,
                      struct bytes *json);
/* After some events: tells the workers that wait for them. */
void presence_hub_wake(struct presence_hub *hub);

/* The server stops; what is left of the notifications has so long. Settled: nothing is. */
void presence_hub_drain(struct presence_hub *hub, uint32_t drain_ms);
bool presence_hub_is_settled(const struct presence_hub *hub);

/* The calls of a watcher, from its own worker. Each is done once, in that worker's thread. */

struct presence_attach {
    struct peers_call call;
    size_t service;
    char last_id[PRESENCE_ID_SIZE]; /* of the last event that the watcher knows; "": none */
    void (*done)(struct presence_attach *attach);
    /* The answer: */
    bool is_refused; /* there are too many */
    enum presence_resume resume;
    uint64_t after;            /* where it begins to read */
    char id[PRESENCE_ID_SIZE]; /* the same as an id */
};

/* When this is done, every worker records. */
void presence_hub_attach(struct api_service *service, struct presence_attach *attach);
/* Undoes an attach that was not refused. */
void presence_hub_detach(struct api_service *service);

#define PRESENCE_FETCH_MOST 64u

struct presence_fetch {
    struct peers_call call;
    size_t service;
    struct presence_reading reading;
    void (*done)(struct presence_fetch *fetch);
    bool is_lost; /* what follows is not kept any more */
    bool is_all;  /* nothing more now: presence_watches_wake() follows when there is */
    struct bytes *wires[PRESENCE_FETCH_MOST];
};

void presence_hub_fetch(struct api_service *service, struct presence_fetch *fetch);

#endif
