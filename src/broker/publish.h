/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_PUBLISH_H
#define BROKER_PUBLISH_H
/*
 * The owner's part of publishing. Everything that a service sends goes through it: when the engine
 * says that it is next (broker/engine.h) it is appended to the log, and goes to the shards that
 * have somebody for it (broker/directory.h). They answer straight to the origin. So every worker
 * writes in the order of the log, by which a page resumes (sse/log.h). Nobody knows the position of
 * a message before it is in the log.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/batch.h"
#include "broker/broker.h"
#include "broker/engine.h"

struct directory;
struct sse_service;
struct tracing;

/* ---- how far shards are behind ---- */

/*
 * How far shards are behind the owner: the log is kept from the first record on that they were told
 * of and have not written yet. Where that is more than the setting log.lag, what is published waits
 * at the owner, in order; more than that again, and messages are refused. Commands are not. What
 * revokes credentials writes nothing, and does not wait.
 */
struct lag {
    struct broker *broker;
    struct sse_service *core;            /* borrowed */
    size_t appending;                    /* bytes, until the engine says that they are next */
    struct mailbox_item *waiting, **end; /* kept messages */
    size_t waiting_bytes;
    uint64_t refused;
};

void lag_init(struct lag *lag, struct broker *broker, struct sse_service *core);
void lag_release(struct lag *lag);

/* Of BROKER_PUBLISH. True: it is to be handled now; else it waits, or has been answered with
 * -ENOBUFS. */
bool lag_admit(struct lag *lag, const struct broker_message *publish);
/* BROKER_CAUGHT_UP: the next that may be handled; NULL: there is none now. A reference. */
struct broker_message *lag_take(struct lag *lag);

/* ---- publishing ---- */

/* The owner's, of a service. */
struct publisher {
    struct broker *broker;
    size_t index;             /* the service's */
    struct sse_service *core; /* borrowed, and */
    const struct directory *directory;
    struct lag *lag;
    struct tracing *tracing; /* its maker sets it; NULL: nothing is recorded */
    bool is_paused;
    struct publication *waiting, **end; /* in order */
};

/* From the time that it comes to its answer. */
struct publication {
    struct broker_request request; /* to the shards, of a round */
    struct publisher *publisher;
    struct engine_append append; /* the caller's */
    struct broker_asker asker;   /* is answered, here with BROKER_PUBLISHED; */
    bool is_asked;               /* nobody is, of the owner's own */
    uint64_t session;            /* of the back end that publishes it; 0: the server itself */
    struct broker_batch *batch;
    struct broker_batch *round;    /* what of it is written next, or all; */
    size_t first;                  /* its first item is this one of the batch */
    uint64_t after;                /* its records are those of the log behind this position */
    struct broker_message *answer; /* NULL: nothing is known for it yet */
    /* A round is in the log, behind the position after, and nobody has got it yet. May be NULL. */
    void (*on_appended)(struct publication *publication);
    /* A round is written. True: it was the last one; else another one follows, or
     * publication_finish(). NULL: there is one, and nobody here has to know of it. */
    bool (*end)(struct publication *publication);
    void *context; /* the caller's */
};

void publisher_init(struct publisher *publisher, struct broker *broker, size_t index,
                    struct sse_service *core, const struct directory *directory, struct lag *lag);

/* Of BROKER_PUBLISH; leads to one of the three below. */
struct publication *publication_new(struct publisher *publisher,
                                    const struct broker_message *message);
/* The owner's own, which nobody waits for. Takes over the batch. */
struct publication *publication_new_own(struct publisher *publisher, struct broker_batch *batch);

/* What is known of each item of the batch, for the answer. */
struct broker_result *publication_results(struct publication *publication);

/* It is next: writes a round, whose first item is this one of the batch, and takes it over; NULL:
 * the whole batch. */
void publication_advance(struct publication *publication, struct broker_batch *round, size_t first);
/* Nothing is written. status: a negative errno; at: the item that it is about. */
void publication_fail(struct publication *publication, int status, size_t at);
void publication_finish(struct publication *publication);

#endif
