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

#include "cluster/peers.h"

struct api_service;
struct bytes;

struct presence_snapshot {
    struct peers_call call;
    struct api_service *service; /* of the one who asks */
    size_t index;                /* of the service, for the other workers */
    size_t workers;
    const char *tenants;
    bool has_users;            /* whether they are wanted, too */
    size_t connections, users; /* so many were shown, those that came twice included */
    size_t worker;             /* where the next piece is from */
    size_t position;           /* there; those behind it were shown */
    bool is_in_users;
    bool is_whole;      /* nothing follows */
    struct bytes *wire; /* the piece as an event; NULL: nobody */
    size_t shown;
    void (*done)(struct presence_snapshot *snapshot);
};

/* tenants: words, lent; only theirs are shown, and users where one is of one tenant. NULL: all. */
void presence_snapshot_init(struct presence_snapshot *snapshot, struct api_service *service,
                            unsigned kinds, const char *tenants);

/* Makes the next piece, then calls done, never before this returns; who is done takes wire. Not
 * when it is whole. */
void presence_snapshot_next(struct presence_snapshot *snapshot);

#endif
