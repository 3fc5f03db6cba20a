/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_ONLINE_USERS_H
#define API_ONLINE_USERS_H
/*
 * Brings the joins and leaves of this worker's connections to the owner of the service, which keeps
 * presence (sse/presence.h), so that somebody with tabs on several workers is online once. What
 * back ends are to hear about a connection takes the same way, so that all they hear of one user
 * comes in one order. Only what ended without a word is told a moment later
 * (api/presence/held_events.h).
 */
#include <stdint.h>

#include "api/presence/held_events.h"
#include "sse/service.h"

struct api_service;
struct broker_presence;
struct sse_presence;

struct online_users {
    struct sse_observer observer;
    struct api_service *service;
    struct sse_presence *presence;      /* the owner's; empty elsewhere */
    struct held_events held;            /* about these */
    uint64_t came_online, went_offline; /* of these, since start */
};

/* From here on it hears of every connection of the service's core. */
void online_users_init(struct online_users *online, struct api_service *service);
/* At the owner: what a shard has told. */
void online_users_receive(struct online_users *online, const struct broker_presence *sign);
void online_users_release(struct online_users *online);

#endif
