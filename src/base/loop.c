/* SPDX-License-Identifier: Apache-2.0 */
#include "base/loop.h"

#include <errno.h>
#include <ev.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/test_clock.h"
#include "base/wheel.h"

#define NS_PER_NOTCH (LOOP_TIMER_NOTCH_MS * CLOCK_NS_PER_MS)

/* Tasks that tasks defer still run in the same turn, in so many passes; then the rest has to wait
 * for the next turn, so that a task that defers itself cannot keep the sockets waiting. */
#define TASK_PASSES 8u

struct loop {
    struct ev_loop *ev;
    struct ev_check wake_up;    /* first of a turn: takes the time */
    struct ev_prepare turn_end; /* last of a turn */
    struct ev_idle no_wait;     /* active while there is more to do: libev then only polls */
    struct ev_timer tick;       /* the next notch of the wheel */
    uint64_t tick_ns;           /* when that is due, by the kernel's clock */
    uint64_t started_ns;        /* notch 0 */
    uint64_t turn_ns;           /* start of this turn, monotonic */
    uint64_t real_ns;           /* the same moment by the kernel's clock, */
    int64_t wall_ms;            /* and since 1970 */
    uint64_t late_ns;           /* how long, in all, what was due has waited for us, */
    uint64_t late_until_ns;     /* as far as it is counted */
    bool woken;                 /* loop_wake() since this end of turn began */
    bool stopping;
    struct list tasks;
    struct list hooks[LOOP_PHASES];
    struct loop_lag lag;
    struct wheel wheel;
    struct test_clock_watch watch;
};

static double seconds(uint64_t ns)
{
    return (double)ns / 1e9;
}

static void take_time(struct loop *loop)
{
    loop->real_ns = clock_real_ns();
    loop->turn_ns = test_clock_monotonic_ns(loop->real_ns);
    loop->wall_ms = clock_wall_ms();
}

/* Before any callback of the turn: for them that clock never goes back. */
static void count_lateness(struct loop *loop)
{
    uint64_t since = loop->tick_ns > loop->late_until_ns ? loop->tick_ns : loop->late_until_ns;

    if (loop->real_ns <= loop->tick_ns + NS_PER_NOTCH || loop->real_ns <= since)
        return;
    loop->late_ns += loop->real_ns - since;
    loop->late_until_ns = loop->real_ns;
}

static void on_wake_up(struct ev_loop *ev, struct ev_check *check, int events)
{
    (void)ev;
    (void)events;
    struct loop *loop = container_of(check, struct loop, wake_up);

    take_time(loop);
    count_lateness(loop);
}

/* The tick is set anew each time, to the border of the next notch: so it never drifts away from
 * the borders, which would make timers late by up to a notch more. */
static void schedule_tick(struct loop *loop)
{
    uint64_t due = loop->started_ns + (loop->wheel.served + 1) * NS_PER_NOTCH;
    uint64_t wait = due > loop->turn_ns ? due - loop->turn_ns : 0;

    loop->tick_ns = loop->real_ns + wait;
    ev_timer_stop(loop->ev, &loop->tick);
    ev_timer_set(&loop->tick, seconds(wait), 0.);
    ev_timer_start(loop->ev, &loop->tick);
}

static void serve_timers(struct loop *loop)
{
    wheel_advance(&loop->wheel, (loop->turn_ns - loop->started_ns) / NS_PER_NOTCH);
    schedule_tick(loop);
}

/* The tick goes on while no timer is active: it is what the lag is measured by, and ten short
 * wake-ups a second are nothing to a thread that serves a network. */
static void on_tick(struct ev_loop *ev, struct ev_timer *tick, int events)
{
    struct loop *loop = container_of(tick, struct loop, tick);

    (void)ev;
    (void)events;
    if (loop->real_ns >= loop->tick_ns) {
        loop->lag.last_seconds = seconds(loop->real_ns - loop->tick_ns);
        if (loop->lag.last_seconds > loop->lag.max_seconds)
            loop->lag.max_seconds = loop->lag.last_seconds;
    }
    serve_timers(loop);
}

/* By a test: that is no lag. */
static void on_clock_move(struct test_clock_watch *watch)
{
    serve_timers(container_of(watch, struct loop, watch));
}

static void run_tasks(struct loop *loop)
{
    for (unsigned pass = 0; pass < TASK_PASSES && !list_is_empty(&loop->tasks); pass++) {
        struct list batch;
        struct list *node;

        list_take_all(&batch, &loop->tasks);
        while ((node = list_take_first(&batch)) != NULL) {
            struct loop_task *task = container_of(node, struct loop_task, node);

            task->run(task);
        }
    }
}

/* Each hook is back in its list before it runs: it may remove itself, or any other. */
static bool run_hooks(struct list *hooks)
{
    struct list batch;
    struct list *node;
    bool more = false;

    list_take_all(&batch, hooks);
    while ((node = list_take_first(&batch)) != NULL) {
        struct loop_hook *hook = container_of(node, struct loop_hook, node);

        list_append(hooks, node);
        more |= hook->run(hook);
    }
    return more;
}

static void keep_from_waiting(struct loop *loop, bool more)
{
    if (more)
        ev_idle_start(loop->ev, &loop->no_wait);
    else
        ev_idle_stop(loop->ev, &loop->no_wait);
}

/* True when there is more to do. */
static bool run_phases(struct loop *loop)
{
    bool more = false;

    loop->woken = false;
    run_tasks(loop);
    for (size_t phase = 0; phase < LOOP_PHASES; phase++)
        more |= run_hooks(&loop->hooks[phase]);
    return more || loop->woken || !list_is_empty(&loop->tasks);
}

static void on_turn_end(struct ev_loop *ev, struct ev_prepare *prepare, int events)
{
    struct loop *loop = container_of(prepare, struct loop, turn_end);
    const bool has_more = run_phases(loop);
    double length;

    (void)events;
    keep_from_waiting(loop, has_more);
    if (!has_more)
        test_clock_rest(&loop->watch);

    length = seconds(clock_real_ns() - loop->real_ns);
    if (length > loop->lag.longest_turn)
        loop->lag.longest_turn = length;
    loop->lag.turns++;
    if (loop->stopping)
        ev_break(ev, EVBREAK_ONE);
}

static void on_no_wait(struct ev_loop *ev, struct ev_idle *idle, int events)
{
    (void)ev;
    (void)idle;
    (void)events;
}

struct loop *loop_new(void)
{
    struct ev_loop *ev = ev_loop_new(EVFLAG_AUTO);
    struct loop *loop;

    if (ev == NULL) {
        errno = errno != 0 ? errno : ENOSYS;
        return NULL;
    }
    loop = mem_zalloc(sizeof(*loop));
    loop->ev = ev;
    list_init(&loop->tasks);
    for (size_t phase = 0; phase < LOOP_PHASES; phase++)
        list_init(&loop->hooks[phase]);
    wheel_init(&loop->wheel);
    loop->watch.on_move = on_clock_move;
    take_time(loop);
    loop->started_ns = loop->turn_ns;

    ev_check_init(&loop->wake_up, on_wake_up);
    ev_set_priority(&loop->wake_up, EV_MAXPRI);
    ev_check_start(ev, &loop->wake_up);
    ev_prepare_init(&loop->turn_end, on_turn_end);
    ev_set_priority(&loop->turn_end, EV_MINPRI);
    ev_prepare_start(ev, &loop->turn_end);
    ev_idle_init(&loop->no_wait, on_no_wait);
    ev_timer_init(&loop->tick, on_tick, 0., 0.);
    schedule_tick(loop);
    return loop;
}

static void unlink_all(struct list *head)
{
    while (list_take_first(head) != NULL)
        continue;
}

void loop_free(struct loop *loop)
{
    if (loop == NULL)
        return;
    unlink_all(&loop->tasks);
    for (size_t phase = 0; phase < LOOP_PHASES; phase++)
        unlink_all(&loop->hooks[phase]);
    wheel_release(&loop->wheel);
    ev_timer_stop(loop->ev, &loop->tick);
    ev_idle_stop(loop->ev, &loop->no_wait);
    ev_prepare_stop(loop->ev, &loop->turn_end);
    ev_check_stop(loop->ev, &loop->wake_up);
    ev_loop_destroy(loop->ev);
    free(loop);
}

struct ev_loop *loop_ev(struct loop *loop)
{
    return loop->ev;
}

void loop_run(struct loop *loop)
{
    ev_now_update(loop->ev);
    take_time(loop);
    schedule_tick(loop);
    test_clock_watch(&loop->watch, loop->ev);
    ev_run(loop->ev, 0);
    test_clock_unwatch(&loop->watch);
    loop->stopping = false;
}

void loop_stop(struct loop *loop)
{
    loop->stopping = true;
    loop_wake(loop);
}

void loop_settle(struct loop *loop)
{
    while (run_phases(loop))
        take_time(loop);
}

uint64_t loop_now_ms(const struct loop *loop)
{
    return loop->turn_ns / CLOCK_NS_PER_MS;
}

uint64_t loop_served_ms(const struct loop *loop)
{
    return (loop->turn_ns - loop->late_ns) / CLOCK_NS_PER_MS;
}

int64_t loop_wall_ms(const struct loop *loop)
{
    return loop->wall_ms;
}

const struct loop_lag *loop_lag(const struct loop *loop)
{
    return &loop->lag;
}

void loop_defer(struct loop *loop, struct loop_task *task)
{
    if (!list_is_linked(&task->node))
        list_append(&loop->tasks, &task->node);
}

void loop_cancel(struct loop_task *task)
{
    list_remove(&task->node);
}

static uint64_t notch_in(const struct loop *loop, uint64_t delay_ms)
{
    /* Not the time of this turn: that may have been a while ago, and no timer may be early. */
    uint64_t now = clock_monotonic_ns() - loop->started_ns;
    uint64_t delay, due;

    if (__builtin_mul_overflow(delay_ms, CLOCK_NS_PER_MS, &delay) ||
        __builtin_add_overflow(now, delay, &due))
        due = UINT64_MAX; /* in five centuries */
    return due / NS_PER_NOTCH + (due % NS_PER_NOTCH != 0);
}

void loop_timer_start(struct loop *loop, struct loop_timer *timer, uint64_t delay_ms)
{
    wheel_add(&loop->wheel, timer, notch_in(loop, delay_ms));
}

void loop_timer_hasten(struct loop *loop, struct loop_timer *timer, uint64_t delay_ms)
{
    const uint64_t notch = notch_in(loop, delay_ms);

    if (!loop_timer_is_active(timer) || notch < timer->expires)
        wheel_add(&loop->wheel, timer, notch);
}

void loop_timer_stop(struct loop_timer *timer)
{
    list_remove(&timer->node);
}

void loop_hook_add(struct loop *loop, enum loop_phase phase, struct loop_hook *hook)
{
    list_remove(&hook->node);
    list_append(&loop->hooks[phase], &hook->node);
    loop_wake(loop);
}

void loop_hook_remove(struct loop_hook *hook)
{
    list_remove(&hook->node);
}

void loop_wake(struct loop *loop)
{
    loop->woken = true;
}
