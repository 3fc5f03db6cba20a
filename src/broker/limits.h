/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_LIMITS_H
#define BROKER_LIMITS_H
/*
 * What a user, an address and a whole service may take: services[].limits. Who is over a limit is
 * refused; nobody else loses anything.
 *
 *   connections, sends       counted for all workers together: each is one number that they share
 *   …Connections, …Uploads   the same, by the engine of the service (broker/engine.h)
 *   …Requests                by each worker for itself: one TLS connection has one worker, so that
 *                            who asks on many of them may have a multiple
 *
 * A request without credentials counts for the user of the connection that it names. An address is
 * all that one customer has (networks_customer()).
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buckets.h"
#include "base/ratelimit.h"
#include "broker/message.h"

struct loop;
struct sse_user;

/* ---- the rates of a worker, and of all ---- */

/*
 * A token bucket that all workers share, in one atomic number: the time at which it will be full
 * again. Who takes several at once needs one to be there, and may owe the rest: the rate holds in
 * the long run, and a batch larger than the burst is not refused for ever.
 */
struct pace {
    atomic_uint_fast64_t full_at; /* ns of the loops' clock; 0 to begin with */
};

/* A burst of 0: nothing is limited. */
bool pace_take(struct pace *pace, const struct ratelimit_rule *rule, uint64_t count,
               uint64_t now_ms);

/* 0, in a rule as its burst: any number. */
struct limits_settings {
    uint32_t slots[BROKER_WHATS][BROKER_SLOTS]; /* of each key */
    uint32_t connections;
    struct ratelimit_rule user_requests, address_requests, sends;
    uint32_t remembered; /* users, and addresses, whose rates a worker keeps */
};

/* What is kept of idempotency keys. */
struct idempotency_settings {
    uint32_t keys, user_keys; /* answers that are kept of all, of one user, */
    size_t bytes, user_bytes; /* and their size */
};

/* What all nodes count together (broker/engine.h). 0: any number. */
struct engine_limits {
    uint32_t slots[BROKER_WHATS][BROKER_SLOTS]; /* of each key */
    uint32_t client_connections;
    uint32_t offline_grace_ms; /* that a user without a connection is online for */
    struct idempotency_settings idempotency;
};

/* What all workers' parts of a service share. Zero-filled to begin with. */
struct limits_shared {
    atomic_uint_fast32_t connections;
    struct pace sends;
};

/* One worker's part of a service. */
struct limits {
    struct loop *loop;
    struct limits_settings settings;
    struct limits_shared *shared;
    /* Since when streams are counted (wall ms): those that are older hold no slot. */
    int64_t since[BROKER_SLOTS];
    struct buckets users, addresses;
};

void limits_init(struct limits *limits, struct loop *loop, const struct limits_settings *settings,
                 struct limits_shared *shared);
/* Who is above a new limit stays, and gets no more. */
void limits_change(struct limits *limits, const struct limits_settings *settings);
void limits_release(struct limits *limits);

/* False when one more is too much. */
bool limits_take_user_request(struct limits *limits, const struct sse_user *user);
bool limits_take_address_request(struct limits *limits, const char *address);
bool limits_take_sends(struct limits *limits, size_t count);

/* One event stream of the whole service. */
bool limits_enter(const struct limits *limits);
void limits_leave(const struct limits *limits);

#endif
