/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOAD_CREW_H
#define LOAD_CREW_H
/*
 * The sessions with their event streams, spread over threads. A thread runs only while a phase
 * does: between phases everything may be touched, during one a worker's own parts are its own, but
 * for the counters that are atomic. Worker 0 runs in the caller's thread.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "load_connection.h"
#include "load_event.h"
#include "load_poller.h"
#include "load_statistics.h"

struct load_crew;
struct load_options;
struct load_worker;

struct load_subscriber {
    struct load_call call;
    struct load_session *session;
    uint32_t number; /* over all sessions */
    bool settled;    /* answered, or it never will be */
    struct load_scanner scanner;
    struct load_sequence *sequences; /* one per publisher */
};

struct load_session {
    struct load_connection connection;
    struct load_worker *worker;
    struct load_subscriber *subscribers;
    uint32_t index;
    uint32_t pending; /* streams that are not settled */
    bool slow;        /* what it gets or loses is no concern of the measurement */
};

struct load_worker {
    struct load_poller poller;
    struct load_crew *crew;
    pthread_t thread;
    struct load_session *sessions;
    uint32_t count;
    uint32_t next;    /* the first session that has not been opened */
    uint32_t opening; /* sessions with streams that are not settled */
    struct load_statistics statistics;
    atomic_uint_fast64_t delivered;
    atomic_uint_fast64_t opened; /* streams answered 200 */
    atomic_uint_fast64_t failed; /* streams that were not */
    atomic_uint_fast64_t closed; /* streams that ended later, of sessions that are not slow */
    atomic_uint_fast64_t slow_closed;
};

struct load_crew {
    const struct load_options *options;
    const struct load_endpoint *endpoint;
    struct load_worker *workers;
    struct load_session *sessions;
    struct load_subscriber *subscribers;
    struct load_sequence *sequences;
    uint32_t stream_count;
    uint8_t phase;
    atomic_bool stop;
    atomic_uint complaints;
};

struct load_phase {
    /* Runs in worker 0's thread each turn. True when the phase is done; else *wake (load_now()) may
     * be moved to an earlier time for the next turn. */
    bool (*turn)(struct load_phase *phase, uint64_t now, uint64_t *wake);
};

/* Both outlive the crew. 0 or a negative errno. */
int load_crew_init(struct load_crew *crew, const struct load_options *options,
                   const struct load_endpoint *endpoint);
void load_crew_release(struct load_crew *crew);

/* Runs all workers until the phase is done, or -ETIMEDOUT. Sessions are opened as they can be. */
int load_crew_run(struct load_crew *crew, struct load_phase *phase, uint64_t deadline);

/* Forgets what was counted, and takes only events of the phase that begins. */
void load_crew_reset(struct load_crew *crew);
void load_crew_collect(const struct load_crew *crew, struct load_statistics *statistics);

uint64_t load_crew_delivered(struct load_crew *crew);
uint64_t load_crew_opened(struct load_crew *crew);
uint64_t load_crew_failed(struct load_crew *crew);
uint64_t load_crew_closed(struct load_crew *crew);
uint64_t load_crew_slow_closed(struct load_crew *crew);

#endif
