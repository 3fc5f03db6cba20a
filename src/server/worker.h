/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_WORKER_H
#define SERVER_WORKER_H
/*
 * One thread with everything it needs to serve clients by itself: loop, listeners, HTTP/2 endpoint,
 * its part of every service. Built in its own thread, so that its memory is its own.
 */
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "h2/listener.h"

struct budget;
struct drain_plan;
struct h2_slots;
struct mailbox_item;
struct mailboxes;
struct settings;
struct thread_pool;
struct tls_contexts;
struct worker;

struct worker_options {
    struct settings *settings; /* to begin with; a reference is taken */
    struct budget *inbound;    /* of all workers (h2/holding.c) */
    struct mailboxes *mailboxes;
    size_t index;
    struct h2_bound *bound;   /* one per configured listener; taken over */
    struct tls_contexts *tls; /* of these; a reference, taken over */
    size_t listener_count;
    struct thread_pool *files; /* reads them; borrowed */
    struct h2_slots *slots;    /* of all workers' sessions; borrowed */
    bool shares_frames;        /* h2_endpoint_options */
    atomic_size_t *busy;       /* workers that have not finished yet; shared by all */
};

/* Starts the thread. NULL when it could not start (said in the log). All
 * workers must be started at the same time, since each waits for the others. */
struct worker *worker_start(const struct worker_options *options);

/* Waits until the worker serves. */
void worker_wait_ready(struct worker *worker);

/* The worker changes over to these settings, on its own thread between two turns of its loop; then
 * it lets go of the old ones and posts to done. Takes a reference. Any thread; returns at once. Not
 * once it drains. */
void worker_change(struct worker *worker, struct settings *settings, sem_t *done);

/* Stops by the plan (server/stop.h), which began since_ms ago: stops accepting, tells the clients,
 * lets them go when they have left or are cut off. It ends with the last of the workers: until then
 * the others may need its part of an answer. Any thread; returns at once; once. */
void worker_drain(struct worker *worker, const struct drain_plan *plan, uint64_t since_ms);

/* Its listeners show these certificates from now on, in the order of the calls. Takes over a
 * reference. Any thread; returns at once. */
void worker_set_tls(struct worker *worker, struct tls_contexts *tls);

/* Calls item->receive on its thread; the context is of no use to it. Any thread; not once
 * worker_join() was called. */
void worker_post(struct worker *worker, struct mailbox_item *item);

/* Waits for the thread's end and frees. False: it has ended, but a disk that it used hangs, and
 * nothing was freed; the process has to end with _exit(). */
bool worker_join(struct worker *worker);

#endif
