/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_PUBLISHING_H
#define BROKER_PUBLISHING_H
/*
 * Publishing, but for the owner's part (broker/publish.h). The origin asks the owner, and its
 * results come from there, or straight from the shards that have written. A shard brings what is
 * published to its connections, in the owner's order.
 */
#include <stdbool.h>
#include <stdint.h>

#include "broker/broker.h"

struct broker_batch;
struct broker_service;

/* Embed it in the state of what publishes. */
struct broker_publishing {
    struct broker_request request;
    struct broker_batch *batch; /* a reference, until it is done */
    struct broker_message *sum; /* of several answers, so far; NULL: there is none yet */
    /* Perhaps before broker_publish() returns. With a status there are no results: nothing of it
     * was written, for a negative errno. */
    void (*done)(struct broker_publishing *publishing, const struct broker_results *published);
};

/* session: the sender's; 0: the server itself. is_stored: some of it is to be. */
void broker_publish(const struct broker_service *service, struct broker_publishing *publishing,
                    struct broker_batch *batch, uint64_t session, bool is_stored);

/* A shard: answers BROKER_ADVANCE with BROKER_DELIVERED, when all of it is written. */
void broker_advance(struct broker_service *service, const struct broker_message *message);

#endif
