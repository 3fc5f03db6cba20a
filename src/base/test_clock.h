/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_TEST_CLOCK_H
#define BASE_TEST_CLOCK_H
/*
 * A clock that tests move, so that what takes minutes takes them milliseconds. With
 * TEST_CLOCK=<descriptor> in the environment, of a socket, the process takes commands there, a line
 * each, and answers each with a line: "ok", the milliseconds since 1970 by this clock and by the
 * kernel's; or why not.
 *
 * - advance MS STEP: time goes on by MS milliseconds, in steps of STEP. After each step all loops
 *   serve what is due, until no loop and no job of a store has more to do.
 * - stop: time stands still but for advance, 100 ms after what it was.
 * - go: time goes on by itself, 100 ms after where it stood.
 *
 * Wall clock and monotonic clock move together. A test that wants to know that something does not
 * happen yet stops the clock: what is due later then does not come, however long the machine takes.
 *
 * Only in builds with the CMake option SSE_SERVER_FAULTS. In all others this costs nothing, and the
 * environment is not looked at.
 */
#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

/* A loop that is told when the clock was moved. on_move runs in its thread. */
struct test_clock_watch {
    void (*on_move)(struct test_clock_watch *watch);
    struct list node;
    struct ev_loop *ev;
    struct ev_async moved;
    bool has_moved;     /* and has not rested since; of the loop's thread */
    uint64_t rested_at; /* the latest round that this loop has finished */
};

#ifdef SSE_SERVER_FAULTS

/* Starts the thread that takes the commands, when the environment asks for it. Once, at the start.
 */
void test_clock_open(void);

/* Does what the command of that name does; false when the loops did not come to rest in 30 s. */
bool test_clock_advance(uint64_t ms, uint64_t step_ms);
void test_clock_stop(void);
void test_clock_go(void);

/* Around the time in which the loop runs, by its thread. */
void test_clock_watch(struct test_clock_watch *watch, struct ev_loop *ev);
void test_clock_unwatch(struct test_clock_watch *watch);

/* The loop has nothing more to do but to wait. */
void test_clock_rest(struct test_clock_watch *watch);

/* A message was posted to a loop. */
void test_clock_note_post(void);

/* 1: work that a thread without a loop was given; -1: its answer was posted. */
void test_clock_note_jobs(int more);

#else
#define test_clock_open()           ((void)0)
#define test_clock_watch(watch, ev) ((void)(watch), (void)(ev))
#define test_clock_unwatch(watch)   ((void)(watch))
#define test_clock_rest(watch)      ((void)(watch))
#define test_clock_note_post()      ((void)0)
#define test_clock_note_jobs(more)  ((void)(more))
#endif
#endif
