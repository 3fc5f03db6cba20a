/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H
/*
 * One thread's event loop (libev) and the end of its turn. Callbacks only read and queue; when all
 * that were ready have run, the loop runs, in this order: the deferred tasks, the hooks that work,
 * the flush hooks, the reap hooks. Then it waits for what comes next; it does not wait while a hook
 * has more to do.
 *
 * A turn must not be long: who is served by the loop waits for it. What there may be much of is
 * done in slices (base/slice.h): of the timers that are due, of the tasks, and of the hooks that
 * work, a turn runs so many and for about so long; the others come first in the next one.
 *
 * Timers hang on one wheel (100 ms per tick), so that an idle connection costs two pointers and a
 * number instead of a watcher. A timer may fire up to one tick late, never early. The loop sleeps
 * until the next of them is due: one that has nothing to do does not wake up.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

struct ev_loop;
struct ev_periodic;
struct loop;
struct slice;
struct turn_figures;

#define LOOP_TIMER_TICK_MS 100u

struct loop_task {
    struct list node;
    void (*run)(struct loop_task *task);
};

struct loop_timer {
    struct list node;
    uint64_t expires; /* in ticks */
    void (*on_fire)(struct loop_timer *timer);
};

/* What works shares the time of a turn; flush and reap hooks run in each. */
enum loop_phase { LOOP_WORK, LOOP_FLUSH, LOOP_REAP, LOOP_PHASES };

struct loop_hook {
    struct list node;
    /* Does a slice of work, of about a millisecond; true when there is more. */
    bool (*run)(struct loop_hook *hook);
};

/* How late the loop was to serve what was due, as operators want to see it. */
struct loop_lag {
    double last_seconds; /* for the latest timer, or by a turn beyond 100 ms; 0 a second later */
    double max_seconds;  /* since start */
    double longest_turn; /* seconds from one wait to the next, the longest since start */
    uint64_t turns;
    uint64_t messages; /* taken out of mailboxes */
};

struct loop *loop_new(void); /* NULL when the kernel refuses one (errno) */
void loop_free(struct loop *loop);
struct ev_loop *loop_ev(struct loop *loop);

/* libev looks each minute whether the wall clock was set. Not with this watcher, which the caller
 * stops: then the kernel tells it. For loops of libev that are no struct loop. */
void loop_let_sleep(struct ev_loop *ev, struct ev_periodic *never);

/* Runs until loop_stop(), which any callback of this loop may call: that turn is still finished,
 * its flushes and reaps included. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* For the end, when it has stopped: runs the tasks and the hooks until none has more to do, and
 * waits for nothing. Timers and descriptors rest. */
void loop_settle(struct loop *loop);

uint64_t loop_now_ms(const struct loop *loop); /* monotonic, as of the start of this turn */
/* The same without the time in which we were late by more than a tick (the process was stopped, or
 * a turn took long): for deadlines of those who have to do something that we must be there to see.
 * How long a process was stopped before the next timer was due cannot be known; it is in their
 * favour. */
uint64_t loop_served_ms(const struct loop *loop);
int64_t loop_wall_ms(const struct loop *loop); /* since 1970, as of the start of this turn */
const struct loop_lag *loop_lag(const struct loop *loop);
/* What the turns took of the thread's processor time. */
const struct turn_figures *loop_turns(const struct loop *loop);

/* Runs the task once, at the end of this turn; a task that is already waiting stays where it is. */
void loop_defer(struct loop *loop, struct loop_task *task);
void loop_cancel(struct loop_task *task);

/* (Re)starts the timer: on_fire runs once, delay_ms from now or up to one tick later. */
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

/* What may be done at once in this turn of work that could as well be a hook's: a millisecond of
 * the turn, from the first call on, whoever asks. */
struct slice *loop_spare(struct loop *loop);

/* So many messages were taken out of a mailbox of this loop. */
void loop_count_messages(struct loop *loop, uint64_t count);

/* The loop does not sleep beyond this moment of clock_real_ns() by more than a millisecond: for
 * hooks that have work then. */
void loop_wake_at(struct loop *loop, uint64_t real_ns);

/* Tells the loop that a hook of this phase has work although no event says so: in this turn, or if
 * that has come to this phase, in the next one, which will not wait. */
void loop_wake(struct loop *loop, enum loop_phase phase);

#endif
