/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_HELD_EVENTS_H
#define BROKER_HELD_EVENTS_H
/*
 * Disconnect events of connections that ended without a word: they wait a moment for their page's
 * last words, which come behind the end of the stream. At the owner of the service, for their
 * user's offline event must not overtake them: the moment is no longer than the grace time. When
 * too many wait, the oldest is told as it is.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/lru.h"

struct bytes;
struct presence_log;
struct presence_subject;
struct sse_service;

struct held_events {
    const struct sse_service *core;
    struct lru events;        /* by handle, the oldest first */
    struct presence_log *log; /* that is told */
};

void held_events_init(struct held_events *held, const struct sse_service *core,
                      struct presence_log *log);
void held_events_release(struct held_events *held);

/* handle: of the connection. Takes over the reference to json. */
void held_events_add(struct held_events *held, const char *handle,
                     const struct presence_subject *about, struct bytes *json);
/* Tells json (a reference is taken over) instead of the event that waits; when none does any more,
 * nobody. */
void held_events_replace(struct held_events *held, const char *handle, struct bytes *json);
/* What has waited long enough; and everything. */
void held_events_tell_due(struct held_events *held);
void held_events_tell_all(struct held_events *held);

#endif
