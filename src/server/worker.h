/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_WORKER_H
#define SERVER_WORKER_H
/*
 * One thread with everything it needs to serve clients by itself: loop, listeners, HTTP/2 endpoint,
 * its part of every service. Built in its own thread, so that its memory is its own.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "h2/listener.h"

struct api_settings;
struct auth_jwt_keys;
struct budget;
struct config;
struct h2_slots;
struct outbound_http_settings;
struct peers;
struct worker;

struct worker_options {
    const struct config *config;
    const struct api_settings *api;
    const struct outbound_http_settings *outbound;
    struct auth_jwt_keys *const *token_keys; /* of each service; borrowed */
    struct budget *inbound;                  /* of all workers (h2/holding.h) */
    struct peers *peers;
    size_t index;
    struct h2_bound *bound;                      /* one per configured listener; taken over */
    const struct h2_listener_options *listeners; /* one per configured listener; borrowed */
    size_t listener_count;
    struct h2_slots *slots; /* of all workers' sessions; borrowed */
    atomic_size_t *busy;    /* workers that have not finished yet; shared by all */
};

/* Starts the thread. NULL when it could not start (said in the log). All
 * workers must be started at the same time, since each waits for the others. */
struct worker *worker_start(const struct worker_options *options);

/* Waits until the worker serves. */
void worker_wait_ready(struct worker *worker);

/* Stops accepting, tells the clients, lets them go when they have left or drain_ms have passed. It
 * ends with the last of the workers: until then the others may need its part of an answer. Any
 * thread; returns at once. A second call cuts the time short. */
void worker_drain(struct worker *worker, unsigned drain_ms);

/* Waits for the thread's end and frees. */
void worker_join(struct worker *worker);

#endif
