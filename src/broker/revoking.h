/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_REVOKING_H
#define BROKER_REVOKING_H
/*
 * Revokes credentials, in every worker and through a restart. Users and tokens that are named lose
 * them, connected or not. A connection's user loses the token that the connection showed, or,
 * without one, all that it was given.
 */
#include "broker/publishing.h"
#include "qos/revocations.h"

struct bytes;
struct broker_service;
struct sse_target;

/* Embed it in what asks, zero-filled but for done. */
struct revoking {
    struct broker_request request;
    struct broker_publishing publishing;
    struct broker_service *service;
    const struct sse_target *target; /* individuals; lent until done */
    size_t shard;                    /* that is asked next */
    size_t count, capacity;
    struct sse_credential *credentials; /* with texts of their own */
    struct qos_revocations kept;
    /* All workers have revoked it; or this one alone, and the others could not be told, for a
     * negative errno: then it is over. */
    void (*done)(struct revoking *revoking, int status);
    void (*stored)(struct revoking *revoking, int status); /* a restart remembers it, or: why not */
};

void revoking_start(struct revoking *revoking, struct broker_service *service,
                    const struct sse_target *target);
/* Behind done: the owner keeps it, perhaps before this returns. */
void revoking_keep(struct revoking *revoking);

/* A shard: answers BROKER_FIND_CREDENTIALS with what those of the connections that live here were
 * opened with. */
void broker_find_credentials(const struct broker_service *service,
                             const struct broker_message *message);

/* Revocations as messages carry them: all in one text of bytes, which workers share. One reference.
 */
struct bytes *broker_revocations_pack(const struct qos_revocations *list);
/* The one at *at, which is 0 at first and moves on; its name lies in the bytes. False: there is no
 * other. */
bool broker_revocations_next(const struct bytes *packed, size_t *at,
                             struct qos_revocation *revocation);

#endif
