/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_PRESENCE_FEED_H
#define API_PRESENCE_FEED_H
/*
 * Presence events on their way to the service's (api/presence/presence_hub.h), at its owner, in
 * order, all of one turn of the loop at once. is_recording counts on every worker: nothing is made
 * while nobody wants to hear it.
 */
#include <stdbool.h>
#include <stddef.h>

#include "api/presence/presence_event.h"
#include "base/loop.h"

struct api;
struct api_service;
struct bytes;
struct presence_news;
struct presence_subject;

struct presence_feed {
    struct api_service *service;
    bool is_recording;
    struct presence_news *first, *last; /* of this turn; first NULL: there is none */
    struct loop_task task;
};

void presence_feed_init(struct presence_feed *feed, struct api_service *service, bool is_recording);
void presence_feed_release(struct presence_feed *feed);

/* Takes over the reference to json. */
void presence_feed_add(struct presence_feed *feed, enum presence_kind kind,
                       const struct presence_subject *about, struct bytes *json);

/* Sends what is there without waiting for the end of the turn. */
void presence_feed_flush(struct presence_feed *feed);

#endif
