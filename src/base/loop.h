/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H
/*
 * One thread's event loop (libev) and the end of its turn. Callbacks only read and queue; when all
 * that were ready have run, the loop runs, in this order: the deferred tasks, the flush hooks, the
 * reap hooks. Then it waits for what comes next; it does not wait while a hook has more to do.
 *
 * Timers hang on one wheel (100 ms per notch), so that an idle connection costs two pointers and a
 * number instead of a watcher. A timer may fire up to one notch late, never early.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

struct ev_loop;
struct loop;

#define LOOP_TIMER_NOTCH_MS 100u

struct loop_task {
    struct list node;
    void (*run)(struct loop_task *task);
};

struct loop_timer {
    struct list node;
    uint64_t expires; /* in notches */
    void (*on_fire)(struct loop_timer *timer);
};

enum loop_phase { LOOP_FLUSH, LOOP_REAP, LOOP_PHASES };

struct loop_hook {
    struct list node;
    /* Does a slice of work, of about a millisecond; true when there is more. */
    bool (*run)(struct loop_hook *hook);
};

/* How late the loop was to serve what was due, as operators want to see it. */
struct loop_lag {
    double last_seconds; /* lateness of the latest 100 ms tick */
    double max_seconds;  /* since start */
    double longest_turn; /* seconds from wake-up to the next wait, the longest since start */
    uint64_t turns;
};

struct loop *loop_new(void); /* NULL when the kernel refuses one (errno) */
void loop_free(struct loop *loop);
struct ev_loop *loop_ev(struct loop *loop);

/* Runs until loop_stop(), which any callback of this loop may call: that turn is still finished,
 * its flushes and reaps included. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* For the end, when it has stopped: runs the tasks and the hooks until none has more to do, and
 * waits for nothing. Timers and descriptors rest. */
void loop_settle(struct loop *loop);

uint64_t loop_now_ms(const struct loop *loop); /* monotonic, as of the start of this turn */
/* The same without the time in which we were late by more than a notch (the process was stopped, or
 * a turn took long): for deadlines of those who have to do something that we must be there to see.
 */
uint64_t loop_served_ms(const struct loop *loop);
int64_t loop_wall_ms(const struct loop *loop); /* since 1970, as of the start of this turn */
const struct loop_lag *loop_lag(const struct loop *loop);

/* Runs the task once, at the end of this turn; a task that is already waiting stays where it is. */
void loop_defer(struct loop *loop, struct loop_task *task);
void loop_cancel(struct loop_task *task);

/* (Re)starts the timer: on_fire runs once, delay_ms from now or up to one notch later. */
void loop_timer_start(struct loop *loop, struct loop_timer *timer, uint64_t delay_ms);
/* The same, unless it runs and is due sooner: for what events ask for that may come faster than the
 * delay, and must not put off for ever. */
void loop_timer_hasten(struct loop *loop, struct loop_timer *timer, uint64_t delay_ms);
void loop_timer_stop(struct loop_timer *timer);
static inline bool loop_timer_is_active(const struct loop_timer *timer)
{
    return list_is_linked(&timer->node);
}

void loop_hook_add(struct loop *loop, enum loop_phase phase, struct loop_hook *hook);
void loop_hook_remove(struct loop_hook *hook);

/* Tells the loop that a hook has work although no event says so (the next turn will not wait). */
void loop_wake(struct loop *loop);

#endif
