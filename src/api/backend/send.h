/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_BACKEND_SEND_H
#define API_BACKEND_SEND_H
/*
 * A batch of messages, or of disconnects, that a back end publishes: on its way to the owner of the
 * service, from there to the workers that have somebody for it (broker/publish.h), and back with
 * its results.
 */
#include <stdbool.h>
#include <stddef.h>

#include "broker/batch.h"
#include "broker/publishing.h"

struct api_exchange;
struct auth;
struct sse_target;

struct delivery {
    struct broker_publishing publishing;
    struct api_exchange *exchange; /* a reference until done has returned */
    struct broker_batch *batch; /* nobody else's until it is started, and constant from then on */
    /* Perhaps before delivery_start() returns. Answers. published: with a status there are no
     * results: -EEXIST, an id was used for another message (the item at); -EDQUOT, the store is
     * full; -EBUSY, too much waits to be written; -ENOBUFS, a worker is too far behind; or why it
     * could not be. */
    void (*done)(struct delivery *delivery, const struct broker_results *published);
    bool is_array;    /* its sender gave an array */
    bool wants_shown; /* its sender asks for the connections */
    void *context;    /* the caller's */
};

struct delivery *delivery_new(struct api_exchange *exchange, size_t count);
/* Drops the batch and the exchange, too. */
void delivery_free(struct delivery *delivery);

/* What of it is to be stored is stored before any of it is written; the rest waits for what its
 * session has stored before. Its targets bear their names. The delivery frees itself after done. */
void delivery_start(struct delivery *delivery);

/* Back ends know a token as it was shown; the registry, by the name that its user has.
 * name_token: of auth_ops; NULL: nothing happens. */
void target_name_tokens(const struct sse_target *target, void (*name_token)(char *token));

/* How credentials are revoked, and restored, in this worker (individuals.c). */
struct broker_revoker revocation_revoker(struct auth *auth);

#endif
