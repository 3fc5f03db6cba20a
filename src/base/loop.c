/* SPDX-License-Identifier: Apache-2.0 */
#include "base/loop.h"

#include <errno.h>
#include <ev.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/test_clock.h"
#include "base/turn_meter.h"
#include "base/wheel.h"

#define NS_PER_TICK (LOOP_TIMER_TICK_MS * CLOCK_NS_PER_MS)
#define LAST_TICK   (INT64_MAX / NS_PER_TICK) /* in three centuries */
#define NEVER       1e18                      /* seconds since 1970 */

/* While it waits nobody sees a stop of the process before the next timer is due: so much more than
 * that one is late, but no more than the wait, may have been taken from us. */
#define UNSEEN_TIMES 10u

/* How long a lag is the latest one. */
#define LAG_NS (1000 * CLOCK_NS_PER_MS)

/* Tasks that tasks defer still run in the same turn, in so many passes; then the rest has to wait
 * for the next turn, so that a task that defers itself cannot keep the sockets waiting. */
#define TASK_PASSES 8u

/* Of each kind, in a turn. A timer may have a slice of its own (base/slices.h). */
#define TIMERS           1024u
#define TASKS_NS         (2 * CLOCK_NS_PER_MS)
#define TASKS            1024u
#define TIMERS_PER_CHECK 1u
#define TASKS_PER_CHECK  4u
/* Hooks have slices of their own, of about a millisecond. */
#define WORK_NS           (2 * CLOCK_NS_PER_MS)
#define WORKERS           1024u
#define WORKERS_PER_CHECK 3u
#define SPARE             4096u

struct loop {
    struct ev_loop *ev;
    struct ev_check wake_up;    /* first of a turn: takes the time */
    struct ev_prepare turn_end; /* last of a turn */
    struct ev_idle no_wait;     /* active while there is more to do: libev then only polls */
    struct ev_timer tick;       /* the next timer of the wheel; stopped while there is none */
    struct ev_timer alarm;      /* loop_wake_at() */
    struct ev_periodic never;
    uint64_t tick_at;     /* WHEEL_NEVER: it is stopped */
    uint64_t tick_ns;     /* when that is due, by the kernel's clock */
    uint64_t started_ns;  /* tick 0 */
    uint64_t turn_ns;     /* start of this turn, monotonic */
    uint64_t real_ns;     /* the same moment by the kernel's clock, */
    int64_t wall_ms;      /* and since 1970 */
    uint64_t late_ns;     /* how long, in all, what was due has waited for us */
    uint64_t waits_ns;    /* when the turn before has ended, by the kernel's clock */
    uint64_t lag_ns;      /* when the lag was measured */
    enum loop_phase next; /* of this end of turn: hooks of those before it have run */
    bool woken;           /* one of those has work since */
    bool stopping;
    struct list tasks;
    struct list hooks[LOOP_PHASES];
    struct slice spare;
    bool has_spared; /* in this turn */
    struct loop_lag lag;
    struct turn_meter meter;
    struct wheel wheel;
    struct test_clock_watch watch;
};

static double seconds(uint64_t ns)
{
    return (double)ns / 1e9;
}

static void take_time(struct loop *loop, uint64_t real_ns)
{
    loop->real_ns = real_ns;
    loop->turn_ns = test_clock_monotonic_ns(loop->real_ns);
    loop->wall_ms = clock_wall_ms();
}

static uint64_t excess(uint64_t ns, uint64_t over_ns)
{
    return ns > over_ns ? ns - over_ns : 0;
}

static void note_lag(struct loop *loop, uint64_t late_ns)
{
    const bool is_measured = late_ns > 0 || loop->real_ns >= loop->tick_ns;

    if (!is_measured && loop->real_ns < loop->lag_ns + LAG_NS)
        return;
    loop->lag_ns = loop->real_ns;
    loop->lag.last_seconds = seconds(late_ns);
    if (loop->lag.last_seconds > loop->lag.max_seconds)
        loop->lag.max_seconds = loop->lag.last_seconds;
}

/* Late is a turn by what it takes beyond a tick, and a wait by what it lasts beyond the next
 * timer. Before any callback of the turn: for them loop_served_ms() never goes back. */
static void count_lateness(struct loop *loop)
{
    const uint64_t turn_ns = excess(loop->meter.lasted_ns, NS_PER_TICK);
    const uint64_t wait_ns = loop->real_ns - loop->waits_ns;
    const uint64_t late_ns = excess(loop->real_ns, loop->tick_ns);
    const uint64_t unseen_ns = late_ns > NS_PER_TICK ? late_ns * UNSEEN_TIMES : 0;

    note_lag(loop, turn_ns > late_ns ? turn_ns : late_ns);
    loop->late_ns += turn_ns + (unseen_ns < wait_ns ? unseen_ns : wait_ns);
}

static void on_wake_up(struct ev_loop *ev, struct ev_check *check, int events)
{
    (void)ev;
    (void)events;
    struct loop *loop = container_of(check, struct loop, wake_up);

    take_time(loop, loop->meter.began_ns);
    count_lateness(loop);
}

static void schedule_tick(struct loop *loop, uint64_t tick)
{
    uint64_t wait;

    ev_timer_stop(loop->ev, &loop->tick);
    loop->tick_at = tick;
    loop->tick_ns = UINT64_MAX;
    if (tick > LAST_TICK)
        return;
    wait = excess(loop->started_ns + tick * NS_PER_TICK, loop->turn_ns);
    loop->tick_ns = loop->real_ns + wait;
    ev_timer_set(&loop->tick, seconds(wait), 0.);
    ev_timer_start(loop->ev, &loop->tick);
}

static void serve_timers(struct loop *loop, struct slice *slice)
{
    const uint64_t tick = (loop->turn_ns - loop->started_ns) / NS_PER_TICK;

    (void)wheel_advance(&loop->wheel, tick, slice);
    schedule_tick(loop, wheel_next(&loop->wheel));
}

static void on_tick(struct ev_loop *ev, struct ev_timer *tick, int events)
{
    struct loop *loop = container_of(tick, struct loop, tick);
    struct slice slice = slice_new(SLICE_NS, TIMERS, TIMERS_PER_CHECK);

    (void)ev;
    (void)events;
    turn_meter_mark(&loop->meter, TURN_INPUT, clock_real_ns());
    serve_timers(loop, &slice);
    turn_meter_mark(&loop->meter, TURN_TIMERS, clock_real_ns());
}

/* By a test: that is no lag. */
static void on_clock_move(struct test_clock_watch *watch)
{
    struct slice slice = slice_without_end();

    serve_timers(container_of(watch, struct loop, watch), &slice);
}

/* Those that wait now, as far as the slice goes. */
static void run_pass(struct loop *loop, struct slice *slice)
{
    struct list batch;
    struct list *node;

    list_take_all(&batch, &loop->tasks);
    while (!slice_is_over(slice) && (node = list_take_first(&batch)) != NULL) {
        struct loop_task *task = container_of(node, struct loop_task, node);

        task->run(task);
        (void)slice_spend(slice);
    }
    list_prepend_all(&loop->tasks, &batch);
}

static void run_tasks(struct loop *loop, uint64_t now_ns)
{
    struct slice slice = slice_from(now_ns, TASKS_NS, TASKS, TASKS_PER_CHECK);

    for (unsigned pass = 0;
         pass < TASK_PASSES && !list_is_empty(&loop->tasks) && !slice_is_over(&slice); pass++)
        run_pass(loop, &slice);
}

/* Its turn is what was asked for. */
static void on_alarm(struct ev_loop *ev, struct ev_timer *alarm, int events)
{
    (void)ev;
    (void)alarm;
    (void)events;
}

/* Each hook is back in its list before it runs: it may remove itself, or any other. Those that the
 * slice does not suffice for come first in the next turn. */
static bool run_hooks(struct loop *loop, enum loop_phase phase, struct slice *slice)
{
    struct list *hooks = &loop->hooks[phase];
    struct list batch;
    struct list *node;
    bool more = false;

    loop->next = phase + 1;
    list_take_all(&batch, hooks);
    while (!slice_is_over(slice) && (node = list_take_first(&batch)) != NULL) {
        struct loop_hook *hook = container_of(node, struct loop_hook, node);

        list_append(hooks, node);
        more |= hook->run(hook);
        (void)slice_spend(slice);
    }
    more |= !list_is_empty(&batch);
    list_prepend_all(hooks, &batch);
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
    uint64_t now = clock_real_ns();
    struct slice slice;
    bool more;

    loop->woken = false;
    loop->has_spared = false;
    turn_meter_mark(&loop->meter, TURN_INPUT, now);
    if (!list_is_empty(&loop->tasks)) {
        run_tasks(loop, now);
        now = clock_real_ns();
        turn_meter_mark(&loop->meter, TURN_TASKS, now);
    }
    slice = slice_from(now, WORK_NS, WORKERS, WORKERS_PER_CHECK);
    more = run_hooks(loop, LOOP_WORK, &slice);
    turn_meter_mark(&loop->meter, TURN_WORK, clock_real_ns());
    slice = slice_without_end();
    more |= run_hooks(loop, LOOP_FLUSH, &slice);
    turn_meter_mark(&loop->meter, TURN_FLUSH, clock_real_ns());
    more |= run_hooks(loop, LOOP_REAP, &slice);
    loop->next = LOOP_WORK;
    return more || loop->woken || !list_is_empty(&loop->tasks);
}

static void report_long_turn(const struct turn_meter *meter)
{
    const uint64_t *part_ns = meter->part_ns;

    LOG_LIMITED(LOG_OF_TURNS, LOG_INFO_LEVEL, "long turn of a loop",
                LOG_INT("cpu_us", meter->turn_cpu_ns / 1000),
                LOG_INT("lasted_us", meter->lasted_ns / 1000),
                LOG_INT("input_us", part_ns[TURN_INPUT] / 1000),
                LOG_INT("timers_us", part_ns[TURN_TIMERS] / 1000),
                LOG_INT("tasks_us", part_ns[TURN_TASKS] / 1000),
                LOG_INT("work_us", part_ns[TURN_WORK] / 1000),
                LOG_INT("flush_us", part_ns[TURN_FLUSH] / 1000),
                LOG_INT("reap_us", part_ns[TURN_REAP] / 1000));
}

static void end_turn(struct loop *loop)
{
    const uint64_t now = clock_real_ns();

    loop->waits_ns = now;
    turn_meter_mark(&loop->meter, TURN_REAP, now);
    const bool is_long = turn_meter_end(&loop->meter, now);
    const double lasted = seconds(loop->meter.lasted_ns);

    if (lasted > loop->lag.longest_turn)
        loop->lag.longest_turn = lasted;
    if (is_long)
        report_long_turn(&loop->meter);
}

static void on_turn_end(struct ev_loop *ev, struct ev_prepare *prepare, int events)
{
    struct loop *loop = container_of(prepare, struct loop, turn_end);
    const bool has_more = run_phases(loop);

    (void)events;
    keep_from_waiting(loop, has_more);
    if (!has_more)
        test_clock_rest(&loop->watch);
    loop->lag.turns++;
    if (loop->stopping) {
        end_turn(loop);
        ev_break(ev, EVBREAK_ONE);
    }
}

/* libev waits from here, */
static void on_wait(struct ev_loop *ev) EV_NOEXCEPT
{
    end_turn(ev_userdata(ev));
}

/* to here. */
static void on_waited(struct ev_loop *ev) EV_NOEXCEPT
{
    struct loop *loop = ev_userdata(ev);

    turn_meter_begin(&loop->meter, clock_real_ns());
}

static void on_no_wait(struct ev_loop *ev, struct ev_idle *idle, int events)
{
    (void)ev;
    (void)idle;
    (void)events;
}

static void on_never(struct ev_loop *ev, struct ev_periodic *never, int events)
{
    (void)ev;
    (void)never;
    (void)events;
}

void loop_let_sleep(struct ev_loop *ev, struct ev_periodic *never)
{
    ev_periodic_init(never, on_never, NEVER, 0., NULL);
    ev_periodic_start(ev, never);
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
    take_time(loop, clock_real_ns());
    loop->started_ns = loop->turn_ns;

    ev_check_init(&loop->wake_up, on_wake_up);
    ev_set_priority(&loop->wake_up, EV_MAXPRI);
    ev_check_start(ev, &loop->wake_up);
    ev_prepare_init(&loop->turn_end, on_turn_end);
    ev_set_priority(&loop->turn_end, EV_MINPRI);
    ev_prepare_start(ev, &loop->turn_end);
    ev_idle_init(&loop->no_wait, on_no_wait);
    ev_timer_init(&loop->tick, on_tick, 0., 0.);
    ev_timer_init(&loop->alarm, on_alarm, 0., 0.);
    loop_let_sleep(ev, &loop->never);
    schedule_tick(loop, WHEEL_NEVER);
    turn_meter_init(&loop->meter);
    turn_meter_begin(&loop->meter, loop->real_ns);
    ev_set_userdata(ev, loop);
    ev_set_loop_release_cb(ev, on_wait, on_waited);
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
    ev_timer_stop(loop->ev, &loop->alarm);
    ev_periodic_stop(loop->ev, &loop->never);
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
    take_time(loop, clock_real_ns());
    turn_meter_init(&loop->meter);
    turn_meter_begin(&loop->meter, loop->real_ns);
    schedule_tick(loop, wheel_next(&loop->wheel));
    test_clock_watch(&loop->watch, loop->ev);
    ev_run(loop->ev, 0);
    test_clock_unwatch(&loop->watch);
    loop->stopping = false;
}

void loop_stop(struct loop *loop)
{
    loop->stopping = true;
    loop->woken = true;
}

void loop_settle(struct loop *loop)
{
    while (run_phases(loop))
        take_time(loop, clock_real_ns());
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

const struct turn_figures *loop_turns(const struct loop *loop)
{
    return &loop->meter.figures;
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

static uint64_t tick_in(const struct loop *loop, uint64_t delay_ms)
{
    /* Not the time of this turn: that may have been a while ago, and no timer may be early. */
    uint64_t now = clock_monotonic_ns() - loop->started_ns;
    uint64_t delay, due;

    if (__builtin_mul_overflow(delay_ms, CLOCK_NS_PER_MS, &delay) ||
        __builtin_add_overflow(now, delay, &due))
        due = UINT64_MAX; /* in five centuries */
    return due / NS_PER_TICK + (due % NS_PER_TICK != 0);
}

static void start_timer(struct loop *loop, struct loop_timer *timer, uint64_t tick)
{
    wheel_add(&loop->wheel, timer, tick);
    if (timer->expires < loop->tick_at)
        schedule_tick(loop, timer->expires);
}

void loop_timer_start(struct loop *loop, struct loop_timer *timer, uint64_t delay_ms)
{
    start_timer(loop, timer, tick_in(loop, delay_ms));
}

void loop_timer_hasten(struct loop *loop, struct loop_timer *timer, uint64_t delay_ms)
{
    const uint64_t tick = tick_in(loop, delay_ms);

    if (!loop_timer_is_active(timer) || tick < timer->expires)
        start_timer(loop, timer, tick);
}

void loop_timer_stop(struct loop_timer *timer)
{
    list_remove(&timer->node);
}

void loop_hook_add(struct loop *loop, enum loop_phase phase, struct loop_hook *hook)
{
    list_remove(&hook->node);
    list_append(&loop->hooks[phase], &hook->node);
    loop_wake(loop, phase);
}

void loop_hook_remove(struct loop_hook *hook)
{
    list_remove(&hook->node);
}

struct slice *loop_spare(struct loop *loop)
{
    if (!loop->has_spared)
        loop->spare = slice_new(SLICE_NS, SPARE, 1);
    loop->has_spared = true;
    return &loop->spare;
}

void loop_count_messages(struct loop *loop, uint64_t count)
{
    loop->lag.messages += count;
}

void loop_wake_at(struct loop *loop, uint64_t real_ns)
{
    const double wait = seconds(excess(real_ns, loop->real_ns));

    if (ev_is_active(&loop->alarm) && ev_timer_remaining(loop->ev, &loop->alarm) <= wait)
        return;
    ev_timer_stop(loop->ev, &loop->alarm);
    ev_timer_set(&loop->alarm, wait, 0.);
    ev_timer_start(loop->ev, &loop->alarm);
}

void loop_wake(struct loop *loop, enum loop_phase phase)
{
    loop->woken |= phase < loop->next;
}
