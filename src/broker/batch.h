/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_BATCH_H
#define BROKER_BATCH_H
/*
 * What a service's owner is given to append to the log together, in this order: messages and
 * commands. One counted block, immutable once it has left the worker that made it.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sse/command.h"
#include "sse/target.h"

struct sse_message;

/* What a stored message is stored as: its JSON. */
struct broker_stored_text {
    char *json; /* owned; NULL: nothing yet */
    size_t length;
    uint64_t digest;
};

/* What becomes a record of the log, and what is asked of those who write it. */
struct broker_item {
    struct sse_message *message;         /* a reference; or NULL: it is */
    struct sse_command *command;         /* a reference */
    struct broker_stored_text stored_as; /* of a message that is stored */
    uint16_t shown_most;                 /* so many of the connections are asked for, as JSON */
    bool wants_reached;                  /* how many each value has reached is asked for */
    bool is_held;                        /* it is not written now: it becomes none */
};

#define BROKER_SENDER_SIZE 65u /* what is longer is cut */

struct broker_batch {
    atomic_uint refs;
    /* Who sends it: an API key's name, or whom a token names; "": the server. */
    char by[BROKER_SENDER_SIZE];
    size_t count;
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

/* Zero-filled items; one reference. */
struct broker_batch *broker_batch_new(size_t count);
struct broker_batch *broker_batch_ref(struct broker_batch *batch);
struct broker_batch *broker_batch_unref(struct broker_batch *batch); /* accepts NULL, always NULL */

/* Whom an item is for, and how many values that has: one for all. */
const struct sse_target *broker_item_target(const struct broker_item *item);
size_t broker_item_values(const struct broker_item *item);
/* The size of its messages and commands, about. */
size_t broker_batch_bytes(const struct broker_batch *batch);

/* Adds what another worker has reached of the same item. */
void broker_result_add(struct broker_result *result, const struct broker_item *item,
                       const struct broker_result *other);
void broker_results_release(struct broker_result *results, size_t count);

#endif
