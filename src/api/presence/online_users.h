/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_ONLINE_USERS_H
#define API_ONLINE_USERS_H
/*
 * Brings the joins and leaves of this worker's connections to the worker that keeps their user's
 * presence (sse/presence.h), so that somebody with tabs on several workers is online once. What
 * back ends are to hear about a connection takes the same way, so that all they hear of one user
 * comes in one order. Only what ended without a word is told a moment later
 * (api/presence/held_events.h).
 */
#include <stdint.h>

#include "api/presence/held_events.h"
#include "sse/service.h"

struct api_service;
struct sse_presence;

struct online_users {
    struct sse_observer observer;
    struct api_service *service;
    struct sse_presence *presence;      /* of the users that this worker keeps */
    struct held_events held;            /* about these */
    uint64_t came_online, went_offline; /* of these, since start */
};

/* From here on it hears of every connection of the service's core. */
void online_users_init(struct online_users *online, struct api_service *service);
void online_users_release(struct online_users *online);

#endif
