/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_DELIVERY_H
#define API_DELIVERY_H
/*
 * A batch of messages, or of disconnects, that a back end publishes: on its way to the owner of the
 * service, from there to all workers (broker/publish.h), and back with its results.
 */
#include <stdbool.h>
#include <stddef.h>

#include "broker/batch.h"
#include "broker/broker.h"

struct api_exchange;
struct api_service;

#define DELIVERY_MOST_SHOWN 1000u

struct delivery {
    struct broker_request request;
    struct api_service *service;
    struct api_exchange *exchange; /* a reference until done has returned */
    struct broker_batch *batch; /* nobody else's until it is started, and constant from then on */
    /* Perhaps before delivery_start() returns. Answers. published: with a status there are no
     * results: -EEXIST, an id was used for another message (the item at); -EDQUOT, the store is
     * full; -EBUSY, too much waits to be written; or why it could not be. */
    void (*done)(struct delivery *delivery, const struct broker_results *published);
    bool is_array;    /* its sender gave an array */
    bool has_names;   /* its targets bear the names that the registry knows */
    bool wants_shown; /* its sender asks for the connections */
    void *context;    /* the caller's */
};

struct delivery *delivery_new(struct api_service *service, struct api_exchange *exchange,
                              size_t count);
/* Drops the batch and the exchange, too. */
void delivery_free(struct delivery *delivery);

/* What of it is to be stored is stored before any of it is written; the rest waits for what its
 * session has stored before. The delivery frees itself after done. */
void delivery_start(struct delivery *delivery);

#endif
