/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_DELIVERY_H
#define API_DELIVERY_H
/*
 * Brings a list of messages, or of disconnects, to the connections that they are for, in every
 * worker, in order, and counts them: all of it in one call between the workers.
 */
#include <stddef.h>
#include <stdint.h>

#include "cluster/peers.h"
#include "sse/connection.h"
#include "sse/target.h"

struct api_exchange;
struct api_service;
struct bytes;

struct delivery_item {
    struct sse_target target; /* owned */
    const char *event;        /* its name; lent */
    struct bytes *wire;       /* lent; NULL: those connections are closed, with: */
    enum sse_close_reason reason;
    const char *text; /* lent */
    int64_t reconnect_ms;
    size_t count; /* result: connections, of all workers */
};

struct delivery_part;

struct delivery {
    struct peers_call call;
    struct api_exchange *exchange; /* a reference until done has returned */
    /* Runs in each worker before anything is delivered there; may be NULL. */
    void (*prepare)(struct delivery *delivery, const struct api_service *service);
    /* In the origin's thread, perhaps before delivery_start() returns. Answers. */
    void (*done)(struct delivery *delivery);
    json_t *source; /* what lends the texts; may be NULL */
    void *context;  /* the caller's */
    size_t count;
    struct delivery_item *items;
    struct delivery_part *parts; /* one per worker */
};

struct delivery *delivery_new(struct api_exchange *exchange, size_t count);

/* Drops the targets, the source and the exchange, too. */
void delivery_free(struct delivery *delivery);

/* The delivery frees itself after done. */
void delivery_start(struct delivery *delivery);

#endif
