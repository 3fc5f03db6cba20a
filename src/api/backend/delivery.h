/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_DELIVERY_H
#define API_DELIVERY_H
/*
 * Brings a list of messages, or of disconnects, to the connections that they are for, in every
 * worker, in order, and counts them. All that a service sends goes through the worker that owns it
 * (its hub), and from there to all: so every worker writes it in the same order, which is what a
 * page goes by that was away (sse/history.h).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/backend/messages.h"
#include "base/buf.h"
#include "base/list.h"
#include "cluster/peers.h"
#include "sse/connection.h"
#include "sse/target.h"

struct api_exchange;
struct api_service;
struct sse_message;

struct delivery_item {
    struct sse_message *message;   /* a reference; or NULL: those connections are closed, with: */
    struct message_text stored_as; /* owned; of one that is stored: empty until its store asks */
    struct sse_target target;      /* owned; of a disconnect */
    enum sse_close_reason reason;
    const char *text; /* lent */
    int64_t reconnect_ms;
    /* Of a disconnect: seconds of the visit that ends, and of those before it, which the connection
     * is to say that it was there for; negative: as it has it. */
    int64_t duration, session_duration;
    bool wants_shown;   /* fill shown in */
    bool is_held;       /* it is not written now; set in begin */
    bool wants_reached; /* fill reached in */
    /* Results: connections, of all workers; and with wants_reached those of each value (one for
     * all). */
    size_t count;
    uint32_t *reached;
    uint32_t *acknowledging; /* of these, whose pages acknowledge */
    struct buf shown; /* with wants_shown: the first of the connections, as JSON, with commas */
    size_t shown_count;
    size_t stored;  /* copies that are kept (api/qos), */
    bool is_repeat; /* which they were before: it was sent again */
};

#define DELIVERY_MOST_SHOWN 1000u

struct delivery_part;

struct delivery {
    struct peers_call errand;      /* to the hub */
    struct peers_call call;        /* from there to all */
    struct list waiting;           /* between them, in the gate's (api/backend/delivery_gate.h) */
    struct api_service *service;   /* the origin's; others may read its index */
    struct api_exchange *exchange; /* a reference until done has returned; may be NULL */
    /* At the origin, when the targets bear the names that the registry knows; may be NULL. */
    void (*ready)(struct delivery *delivery);
    /* At the hub, before anything is delivered: leads to delivery_broadcast() or delivery_fail().
     * May be NULL. And after each broadcast: true when it was the last; else another one follows,
     * or delivery_finish(). */
    void (*begin)(struct delivery *delivery, struct api_service *service);
    bool (*end)(struct delivery *delivery, struct api_service *service);
    /* Runs in each worker before anything is delivered there; may be NULL. */
    void (*prepare)(struct delivery *delivery, const struct api_service *service);
    /* In the origin's thread, perhaps before delivery_start() returns. Answers. */
    void (*done)(struct delivery *delivery);
    json_t *source; /* what lends the texts; may be NULL */
    bool is_array;  /* its sender gave an array */
    bool has_names; /* its targets bear the names that the registry knows */
    void *context;  /* the caller's */
    int status;     /* 0, or why nothing was delivered: a negative errno, */
    size_t at;      /* and the item that it is about */
    size_t count;
    size_t from, until; /* the items of the next broadcast: all, unless begin says otherwise */
    struct delivery_item *items;
    struct delivery_part *parts; /* one per worker */
};

/* exchange: who asked; NULL: the server itself. */
struct delivery *delivery_new(struct api_service *service, struct api_exchange *exchange,
                              size_t count);

/* Drops the items, the source and the exchange, too. */
void delivery_free(struct delivery *delivery);

/* Whom an item is for. */
const struct sse_target *delivery_target(const struct delivery_item *item);

/* How many values the target has: one for all. */
size_t delivery_values(const struct delivery_item *item);

/* The delivery frees itself after done. */
void delivery_start(struct delivery *delivery);

/* For begin, at the hub. */
void delivery_broadcast(struct delivery *delivery, struct api_service *service);
void delivery_fail(struct delivery *delivery, int status, size_t at);
void delivery_finish(struct delivery *delivery);

#endif
