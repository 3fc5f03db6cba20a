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

struct api_service;
struct broker_message;
struct notifications;
struct presence_subject;

struct presence_hub {
    struct api_service *service;
    struct presence_history history;
    struct loop_timer keep; /* runs while it records, for watchers only, and nobody listens */
    struct age_timer age;   /* of events, while it records for notifications and nobody listens */
    size_t watchers;
    bool is_recording;
    struct notifications *notifications; /* NULL: none are configured, and: */
    size_t farewells;                    /* of shards that have told all, at a stop */
    uint64_t added, gaps, refused;
    bool is_waiting[]; /* per worker: it has watchers that have read everything */
};

/* NULL in a worker that does not own the service. */
struct presence_hub *presence_hub_new(struct api_service *service);
/* The service has other settings. */
void presence_hub_change(struct presence_hub *hub);
void presence_hub_free(struct presence_hub *hub);

/* On the hub's worker. */
void presence_hub_add(struct presence_hub *hub, enum presence_kind kind,
                      const struct presence_subject *about, struct bytes *json);
/* After some events: tells the workers that wait for them. */
void presence_hub_wake(struct presence_hub *hub);

/* The server stops: notifications are tried at once and once; what is left is lost. Settled:
 * nothing is left. */
void presence_hub_hurry(struct presence_hub *hub);
void presence_hub_abandon(struct presence_hub *hub);
bool presence_hub_is_settled(const struct presence_hub *hub);

/* What shards tell and ask for their watchers. */

/* BROKER_WATCH: answered when every shard records, or when there are too many. */
void presence_hub_watch(struct presence_hub *hub, const struct broker_message *watch);
/* BROKER_UNWATCH, for one that was not refused. */
void presence_hub_unwatch(struct presence_hub *hub);
/* BROKER_READ */
void presence_hub_read(struct presence_hub *hub, const struct broker_message *read);

#endif
