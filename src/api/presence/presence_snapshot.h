/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_PRESENCE_SNAPSHOT_H
#define API_PRESENCE_SNAPSHOT_H
/*
 * Who is there, piece by piece: first the connections of every worker, then the users that each
 * keeps. The next piece is made only when the one who asks has room for it, so that a snapshot
 * takes as much memory as a piece, however many are connected. Who leaves meanwhile may make
 * another one appear twice; none that stays is left out.
 */
#include <stdbool.h>
#include <stddef.h>

#include "broker/service.h"

struct api_service;
struct bytes;

struct presence_snapshot {
    struct broker_request request;
    const struct broker_service *service; /* of the one who asks */
    const char *tenants;
    bool has_users;            /* whether they are wanted, too */
    size_t connections, users; /* so many were shown, those that came twice included */
    size_t worker;             /* where the next piece is from */
    size_t position;           /* there; those behind it were shown */
    bool is_in_users;
    bool is_whole; /* nothing follows */
    /* With the piece as an event, borrowed; NULL: nobody is in it. */
    void (*done)(struct presence_snapshot *snapshot, struct bytes *wire);
};

/* tenants: words, lent; only theirs are shown, and users where one is of one tenant. NULL: all. */
void presence_snapshot_init(struct presence_snapshot *snapshot, const struct api_service *service,
                            unsigned kinds, const char *tenants);

/* Makes the next piece, then calls done, perhaps before this returns. Not when it is whole. */
void presence_snapshot_next(struct presence_snapshot *snapshot);

/* BROKER_SNAPSHOT */
void presence_snapshot_receive(const struct api_service *service,
                               const struct broker_message *question);

#endif
