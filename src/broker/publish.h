/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_PUBLISH_H
#define BROKER_PUBLISH_H
/*
 * The owner's part of what is published: all that a service sends goes by it, and from here to all
 * shards, each in its turn: so every worker writes it in the same order, which is what a page goes
 * by that was away (sse/history.h).
 *
 * While a message is decided on that is to have the next position of the history, which may take
 * some turns, all else is paused: it waits, in order.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "broker/batch.h"
#include "broker/broker.h"

/* The owner's, of a service. */
struct publisher {
    struct broker *broker;
    size_t index; /* the service's */
    bool is_paused;
    struct list waiting; /* publications */
};

/* From the time that it comes to its answer. */
struct publication {
    struct broker_request request; /* to the shards, of a round */
    struct list waiting;           /* in the publisher's */
    struct publisher *publisher;
    struct broker_asker asker; /* is answered with BROKER_PUBLISHED; */
    bool is_asked;             /* nobody is, of the owner's own */
    uint64_t session;          /* of the back end that publishes it; 0: the server itself */
    struct broker_batch *batch;
    struct broker_batch *round; /* what of it is written next, or all; */
    size_t first;               /* its first item is this one of the batch */
    struct broker_message *answer;
    struct broker_result *results; /* in it, for each item of the batch */
    /* A round is written. True: it was the last one; else another one follows, or
     * publication_finish(). NULL: there is one. */
    bool (*end)(struct publication *publication);
    void *context; /* the caller's */
};

void publisher_init(struct publisher *publisher, struct broker *broker, size_t index);
void publisher_pause(struct publisher *publisher);

/* Of BROKER_PUBLISH; leads to one of the three below. */
struct publication *publication_new(struct publisher *publisher,
                                    const struct broker_message *message);
/* The owner's own, which nobody waits for. Takes over the batch. */
struct publication *publication_new_own(struct publisher *publisher, struct broker_batch *batch);

/* Writes a round, whose first item is this one of the batch, and takes it over; NULL: the whole
 * batch. Now, or when the publisher is not paused any more. */
void publication_advance(struct publication *publication, struct broker_batch *round, size_t first);
/* Nothing is written. status: a negative errno; at: the item that it is about. */
void publication_fail(struct publication *publication, int status, size_t at);
void publication_finish(struct publication *publication);

/* It was paused for this one, whose round is written first, as by publication_advance(). */
void publisher_resume(struct publication *publication, struct broker_batch *round, size_t first);

#endif
