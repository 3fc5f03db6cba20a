/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_BATCH_H
#define BROKER_BATCH_H
/*
 * What is brought to connections together, in this order: messages, and the ends of connections.
 * One counted block for all workers, immutable once it has left the one that made it.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sse/connection.h"
#include "sse/target.h"

struct sse_message;

/* What a stored message is stored as: its JSON. */
struct broker_stored_text {
    char *json; /* owned; NULL: nothing yet */
    size_t length;
    uint64_t digest;
};

/* What somebody has shown: the name of a token, or the key of a user who has shown none. */
struct broker_credential {
    bool is_token;
    const char *text;
};

struct broker_item {
    struct sse_message *message; /* a reference; or NULL: those connections are closed, with: */
    struct sse_target target;    /* owned */
    enum sse_close_reason reason;
    char *text; /* owned */
    int64_t reconnect_ms;
    /* Seconds of the visit, and of those before it, that connections were there for; negative: as
     * they have it. With a message both are set at once, before anything of the batch is written;
     * else of those that are closed. */
    int64_t duration, session_duration;
    struct broker_stored_text stored_as; /* of a message that is stored */
    uint32_t shown_most;                 /* so many of the connections are asked for, as JSON */
    bool wants_reached;                  /* how many each value has reached is asked for */
    bool is_held;                        /* it is not written now */
    /* Instead of all that: these do not count any more. NULL: it is something else. Owned. */
    struct broker_credential *revoked;
    size_t revoked_count;
};

#define BROKER_SENDER_SIZE 65u /* what is longer is cut */

struct broker_batch {
    atomic_uint refs;
    /* Who sends it: an API key's name, or whom a token names; "": the server. */
    char by[BROKER_SENDER_SIZE];
    size_t count;
    char *traceparent; /* of the request that closes connections, for notifications; NULL. Owned */
    uint64_t began_ns; /* when the request that sends it came, by clock_real_ns(); 0: none does */
    struct broker_item items[];
};

/* What came of an item: connections, of one worker or of all. */
struct broker_result {
    size_t count;
    uint32_t *reached;       /* with wants_reached: those of each value (one for all), */
    uint32_t *acknowledging; /* and of these, whose pages acknowledge */
    char *shown;             /* with shown_most: a line of JSON for each; NULL: there is none */
    uint32_t shown_count;
    bool is_repeat; /* it was stored before, and sent again */
    size_t stored;  /* copies of it that are kept */
};

/* Zero-filled items, but that nothing is said of durations; one reference. */
struct broker_batch *broker_batch_new(size_t count);
struct broker_batch *broker_batch_ref(struct broker_batch *batch);
struct broker_batch *broker_batch_unref(struct broker_batch *batch); /* accepts NULL, always NULL */

/* Whom an item is for, and how many values that has: one for all. */
const struct sse_target *broker_item_target(const struct broker_item *item);
size_t broker_item_values(const struct broker_item *item);
/* The size of its messages, about. */
size_t broker_batch_bytes(const struct broker_batch *batch);
/* Whether it is a message that is written now: it has a position in the log. */
bool broker_item_is_written(const struct broker_item *item);
bool broker_item_has_duration(const struct broker_item *item);

/* Adds what another worker has reached of the same item. */
void broker_result_add(struct broker_result *result, const struct broker_item *item,
                       const struct broker_result *other);
void broker_results_release(struct broker_result *results, size_t count);

#endif
