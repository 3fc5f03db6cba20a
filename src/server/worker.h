/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_WORKER_H
#define SERVER_WORKER_H
/*
 * One thread with everything it needs to serve clients by itself: loop, listeners, HTTP/2 endpoint,
 * its part of every service. Built in its own thread, so that its memory is its own.
 */
#include <stdbool.h>
#include <stddef.h>

#include "h2/listener.h"

struct api_settings;
struct config;
struct h2_tls_context;
struct peers;
struct worker;

struct worker_options {
    const struct config *config;
    const struct api_settings *api;
    struct peers *peers;
    size_t index;
    struct h2_bound *bound;      /* one per configured listener; taken over */
    struct h2_tls_context **tls; /* one per configured listener; NULL: cleartext. Borrowed */
    size_t listener_count;
};

/* Starts the thread. NULL when it could not start (said in the log). All
 * workers must be started at the same time, since each waits for the others. */
struct worker *worker_start(const struct worker_options *options);

/* True once the worker serves; waits for that. False when it failed. */
bool worker_wait_ready(struct worker *worker);

/* Stops accepting, tells the clients, ends when they are gone or drain_ms have passed. Any thread;
 * returns at once. A second call ends it now. */
void worker_drain(struct worker *worker, unsigned drain_ms);

/* Waits for the thread's end and frees. */
void worker_join(struct worker *worker);

#endif
