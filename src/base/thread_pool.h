/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_THREAD_POOL_H
#define BASE_THREAD_POOL_H
/*
 * Threads for work that may wait for a disk, or takes longer than a turn of a loop may. A pool does
 * the work of one disk: when that one hangs, its pool's threads hang with it, and nobody else's.
 * Threads start when there is work, and stay.
 *
 * Jobs begin in the order in which they were submitted and run side by side. Who needs an order
 * submits the next job when the one before it is done,
 * or has ordered jobs.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/mailbox.h"
#include "base/table.h"

struct loop;
struct pool_client; /* a loop that submits jobs, and is told when they are done */
struct thread_pool;

/* A thread with a stack for what waits and reads, not for deep calls. 0 or a positive errno, as
 * pthread_create(). */
int thread_start(pthread_t *thread, void *(*body)(void *context), void *context);

/* Embed it in the state of the work. One job is submitted once at a time. */
struct pool_job {
    struct mailbox_item item; /* the pool's, */
    struct list node;         /* while it waits, */
    struct pool_client *client;
    struct thread_pool *pool;
    void (*run)(struct pool_job *job);  /* in a thread of the pool; has the job for itself */
    void (*done)(struct pool_job *job); /* in the client's loop; owns the job again */
};

/* name: of its threads, for people; borrowed. most_waiting: jobs, for thread_pool_is_full(). */
struct thread_pool *thread_pool_new(const char *name, size_t threads, size_t most_waiting);

/* When no loop submits any more. Waits for the threads, at most so long. False: one still hangs in
 * its job. Then nothing that the job uses may be freed, and the process has to end with _exit().
 * Accepts NULL. */
bool thread_pool_free(struct thread_pool *pool, uint32_t most_ms);

/* So many jobs wait that who has not begun should come again later. Any thread. */
bool thread_pool_is_full(struct thread_pool *pool);

struct pool_client *pool_client_new(struct loop *loop);

/* In the loop's thread, when the loop has stopped: calls done of all that is under way, and waits
 * for it at most so long. False as above: those that are left are never done. */
bool pool_client_free(struct pool_client *client, uint32_t most_ms);

/* 0, or a negative errno: there is no thread, and there can be none. done never runs before this
 * returns. */
int thread_pool_submit(struct thread_pool *pool, struct pool_client *client, struct pool_job *job);

/* Takes a job back that has not begun: true, and neither run nor done is called. The client's
 * thread. */
bool thread_pool_cancel(struct pool_job *job);

/* ---- ordered jobs: a thread works on them before their turn. Those of one session have their
 * turns in the order in which they came. Of one loop, whose thread makes all calls ---- */

struct ordered_queue;

struct ordered_jobs {
    struct loop *loop;
    struct thread_pool *pool; /* borrowed; NULL: the work is done where it is asked for */
    struct pool_client *client;
    struct table queues; /* by session */
};

/* Embed it in what has a place in a queue, zero-filled but for what is to be called. */
struct ordered_job {
    struct pool_job job;
    struct list node; /* in its queue */
    struct ordered_queue *queue;
    bool is_ready;
    void (*work)(struct ordered_job *job); /* in a thread; has the job for itself. NULL: no work */
    void (*turn)(struct ordered_job *job); /* in the loop, behind those before it */
};

void ordered_jobs_init(struct ordered_jobs *all, struct loop *loop, struct thread_pool *pool);
/* At the end, when all have had their turns. False: a thread hangs (pool_client_free()). */
bool ordered_jobs_release(struct ordered_jobs *all, uint32_t most_ms);

/* Whether somebody of this session has yet to have a turn. */
bool ordered_jobs_wait(const struct ordered_jobs *all, uint64_t session);
/* It gets its turn later, never from inside this call. */
void ordered_jobs_enter(struct ordered_jobs *all, uint64_t session, struct ordered_job *job);

/* Does this (zero-filled) in a thread, or here when there is none; nobody hears of its end. */
void ordered_jobs_do(struct ordered_jobs *all, struct pool_job *job,
                     void (*work)(struct pool_job *job), void (*done)(struct pool_job *job));

#endif
