/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_STOP_H
#define SERVER_STOP_H
/*
 * When what happens at a stop: the settings stopNotice, drainSpread and drainTime are made into one
 * plan, which all workers follow, each by the clock of its loop.
 *
 * And sees to it that a stop ends, whatever hangs: a thread that takes the signals and watches the
 * clock, while the server starts and while it stops. A second signal ends the process at once. So
 * does the time: what has been cut off at the end of drainTime has some seconds to end by itself.
 * Then the log says which threads have not, and the process ends with STOP_HUNG. Nothing that was
 * answered is lost by that.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct config;

/* In this order. Before the first, readiness fails and all else is as before. */
enum drain_step {
    DRAIN_STREAMS, /* event streams begin to end; the kernel takes no more connections */
    DRAIN_LEAVE, /* the listeners close, when those it has are accepted; clients are asked to go */
    DRAIN_REST,  /* the last event stream ends, and none opens any more */
    DRAIN_CUT,   /* whatever is left is cut off */
    DRAIN_STEPS
};

struct drain_plan {
    uint32_t at_ms[DRAIN_STEPS]; /* from the signal on */
};

void drain_plan_make(struct drain_plan *plan, const struct config *config);

/* How many steps are due so many ms after the signal. */
size_t drain_plan_due(const struct drain_plan *plan, uint64_t since_ms);

/* The exit status of a process in which something hung. */
#define STOP_HUNG 3

/* From the end of drainTime until then. */
#define STOP_LAST_MS 4000u

struct stop {
    const sigset_t *signals; /* SIGTERM and SIGINT, blocked in all threads */
    uint32_t drain_ms;
    pthread_t thread;
    atomic_bool is_watching;
    int number;        /* of the first signal; 0: none yet */
    uint64_t began_ns; /* when that came, */
    uint64_t cut_ns;   /* and by the kernel's clock when drainTime was over; 0: it is not */
};

void stop_init(struct stop *stop, const sigset_t *signals, uint32_t drain_ms);

/* The thread begins; until stop_unwatch() it takes the signals. */
void stop_watch(struct stop *stop);
void stop_unwatch(struct stop *stop);

/* The first signal has come: to whoever waited for it while there was no thread. */
void stop_note(struct stop *stop, int number);

/* Ends the process with STOP_HUNG, at once: something hangs. */
void stop_give_up(void) __attribute__((noreturn));

/* ms since the first signal. */
uint64_t stop_since_ms(const struct stop *stop);

#endif
