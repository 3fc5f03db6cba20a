/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long a loop sleeps: it asks the kernel for that time. This program's epoll_wait() comes in
 * the place of the C library's, notes it, and lets no time pass.
 */
#include <ev.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "base/loop.h"
#include "support/test.h"

#define MINUTE_MS UINT64_C(60000)
/* As good as without end: libev asks for 17 days. */
#define LONG_MS (1440 * MINUTE_MS)

static struct loop *loop;
static int asked_ms;

int epoll_wait(int epfd, struct epoll_event *events, int maxevents, int timeout)
{
    (void)epfd;
    (void)events;
    (void)maxevents;
    asked_ms = timeout;
    loop_stop(loop);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    loop = loop_new();
    assert_non_null(loop);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    loop_free(loop);
    return 0;
}

static uint64_t sleep_ms(void)
{
    asked_ms = 0;
    while (asked_ms == 0) /* it does not sleep when it has just begun */
        loop_run(loop);
    return asked_ms < 0 ? UINT64_MAX : (uint64_t)asked_ms;
}

static void fire(struct loop_timer *timer)
{
    (void)timer;
}

static void one_without_timers_sleeps(void **state)
{
    (void)state;
    assert_in_range(sleep_ms(), LONG_MS, UINT64_MAX);
}

static void it_sleeps_until_the_next_timer(void **state)
{
    struct loop_timer far = {.on_fire = fire}, near = {.on_fire = fire};

    (void)state;
    loop_timer_start(loop, &far, 20 * MINUTE_MS);
    assert_in_range(sleep_ms(), 19 * MINUTE_MS, 20 * MINUTE_MS + LOOP_TIMER_TICK_MS);
    loop_timer_start(loop, &near, 3 * MINUTE_MS);
    assert_in_range(sleep_ms(), 2 * MINUTE_MS, 3 * MINUTE_MS + LOOP_TIMER_TICK_MS);
    loop_timer_stop(&near);
    assert_in_range(sleep_ms(), 19 * MINUTE_MS, 20 * MINUTE_MS + LOOP_TIMER_TICK_MS);
    loop_timer_stop(&far);
    assert_in_range(sleep_ms(), LONG_MS, UINT64_MAX);
}

/* In all slots of the wheel, in some of its later rounds. */
static void timers_that_are_far_away_wake_nobody(void **state)
{
    enum { TIMERS = 2000 };
    struct loop_timer *timers = calloc(TIMERS, sizeof(*timers));

    (void)state;
    assert_non_null(timers);
    for (unsigned i = 0; i < TIMERS; i++) {
        timers[i].on_fire = fire;
        loop_timer_start(loop, &timers[i], 1); /* it moves away from here, as of an active client */
        loop_timer_start(loop, &timers[i], 30 * MINUTE_MS + (uint64_t)i * LOOP_TIMER_TICK_MS);
    }
    assert_in_range(sleep_ms(), 29 * MINUTE_MS, 30 * MINUTE_MS + LOOP_TIMER_TICK_MS);
    for (unsigned i = 0; i < TIMERS; i++)
        loop_timer_stop(&timers[i]);
    free(timers);
}

static void one_that_is_never_due_wakes_nobody(void **state)
{
    struct loop_timer never = {.on_fire = fire};

    (void)state;
    loop_timer_start(loop, &never, UINT64_MAX);
    assert_in_range(sleep_ms(), LONG_MS, UINT64_MAX);
    loop_timer_stop(&never);
}

static void loops_of_libev_alone_sleep_as_well(void **state)
{
    struct ev_loop *ev = ev_loop_new(EVFLAG_AUTO);
    struct ev_periodic never;

    (void)state;
    assert_non_null(ev);
    loop_let_sleep(ev, &never);
    asked_ms = 0;
    ev_run(ev, EVRUN_ONCE);
    assert_in_range(asked_ms, LONG_MS, INT_MAX);
    ev_loop_destroy(ev);
}

#define IDLE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IDLE_TEST(one_without_timers_sleeps),
        IDLE_TEST(it_sleeps_until_the_next_timer),
        IDLE_TEST(timers_that_are_far_away_wake_nobody),
        IDLE_TEST(one_that_is_never_due_wakes_nobody),
        IDLE_TEST(loops_of_libev_alone_sleep_as_well),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
