/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_ONLINE_USERS_H
#define BROKER_ONLINE_USERS_H
/*
 * Who of a service's users is online, at its owner, which hears of every connection and tells the
 * engine: somebody with tabs on several workers is online once. What is told of a connection, and
 * of its user, comes to the log in one order. Only what ended without a word is told a moment
 * later.
 */
#include <stdint.h>

#include "base/lru.h"

struct broker_presence;
struct engine;
struct bytes;
struct presence_log;
struct sse_presence;
struct sse_service;

/* Who tells of users. */
struct online_handler {
    /* The event's JSON, one reference; NULL: nobody is to hear of it. about: what was told with the
     * connection that brought the user, or left last. */
    struct bytes *(*on_user)(void *context, bool is_online, const char *user_key,
                             struct bytes *about);
    void *context;
};

struct online_users {
    struct engine *engine;         /* NULL elsewhere than at the owner */
    struct sse_presence *presence; /* as the engine knows it; empty elsewhere */
    const struct sse_service *core;
    struct presence_log *log; /* that is told */
    /* Disconnect events of connections that ended without a reason, by handle, the oldest first.
     * They wait a moment for their page's reason, which comes after the end of the stream, and no
     * longer than the grace time, since their user's offline event must not overtake them. When
     * too many wait, the oldest is told as it is. */
    struct lru held;
    struct online_handler handler;
    uint64_t came_online, went_offline; /* since start */
};

/* The handler may be set when this returns. */
void online_users_init(struct online_users *online, struct sse_service *core,
                       struct presence_log *log);
void online_users_release(struct online_users *online);

/* The engine is there, or (NULL) not any more; and what it says of a user. */
void online_users_use(struct online_users *online, struct engine *engine);
void online_users_tell(struct online_users *online, bool is_online, const char *user_key,
                       struct bytes *about);

void online_users_receive(struct online_users *online, const struct broker_presence *told);
/* Tells all events that wait. */
void online_users_tell_held(struct online_users *online);

#endif
