/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_STORED_STORED_H
#define BROKER_STORED_STORED_H
/*
 * A service's stored messages: at its owner the store, redelivery, and what that asks for; at each
 * shard who tells the owner which connections come to queues, and leave them.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "broker/engine.h"

struct broker_message;
struct broker_service;
struct outbound_http;
struct stored_messages;
struct stored_report;
struct stored_settings;

/* What all threads know of them. */
struct stored_shared {
    /* Stored copies; while it is 0 no connection needs to tell the owner that it is there. Said
     * before a copy is written anywhere: who sees 0 has not missed any. Not known yet is 1. */
    atomic_size_t copies;
    char *service;
    bool is_in_memory;
    pthread_mutex_t lock;  /* guards its life */
    struct engine *engine; /* NULL: it is not there yet, or not any more */
};

void stored_shared_init(struct stored_shared *shared, const char *service, bool is_in_memory);
void stored_shared_release(struct stored_shared *shared);
/* Any thread. As qos_store_back_up(); without an engine -ESHUTDOWN. */
int stored_shared_back_up(struct stored_shared *shared, struct qos_backup *backup);

/* What is there already, and outlives it. */
struct stored_place {
    engine_maker make_engine;
    struct outbound_http *outbound; /* by which receipts are posted */
    struct stored_shared *shared;
    const atomic_bool *draining;
    bool wants_revocations; /* somebody wants to know what was revoked before */
};

/* NULL in a worker that does not own the service. The settings are borrowed. */
struct stored_messages *stored_new(struct broker_service *service,
                                   const struct stored_settings *settings,
                                   const struct stored_place *place);
/* When the broker has stopped. */
void stored_free(struct stored_messages *stored);

/* To the owner: what is published, acknowledged or asked, and who comes and goes. */
void stored_receive(struct stored_messages *stored, const struct broker_message *message);

/* Those below accept NULL. */

/* The service has other settings. The store stays where it is. */
void stored_change(struct stored_messages *stored, const struct stored_settings *settings);
/* The server stops: receipts are tried at once, and once. Settled: none is left, or they were
 * abandoned, and with them what the store has not begun. */
void stored_hurry(const struct stored_messages *stored);
void stored_abandon(struct stored_messages *stored);
bool stored_is_settled(const struct stored_messages *stored);

/* Of a queue: copies in flight, and how many may be. Nothing is set where there are none. */
void stored_look(const struct stored_messages *stored, const struct qos_recipient *recipient,
                 uint32_t *in_flight, uint32_t *window);

/* Zero-filled where there are none. */
void stored_report(const struct stored_messages *stored, struct stored_report *report);

/* At a shard. While the service has no stored copies it tells the owner nothing. A connection that
 * comes is paused until the owner knows it: from then on it is written what goes to everybody, and
 * redelivery writes what lies in its queues. */
void queue_observer_open(struct broker_service *service, const struct stored_shared *shared);
void queue_observer_close(struct broker_service *service);

/* Whether a receipt may be posted to a URL, as far as its text tells: it is the sender who names
 * it, and the server may reach what the sender may not. What its host's name leads to is looked at
 * when it is connected to (outbound_request.only_public). False with a sentence in fault. */
bool receipt_url_is_allowed(const struct stored_settings *settings, const char *url, char *fault,
                            size_t fault_size);

#endif
