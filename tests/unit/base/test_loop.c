/* SPDX-License-Identifier: Apache-2.0 */
#include <ev.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/slice.h"
#include "support/test.h"

/*
 * What happens is written down as letters in a journal. No test waits for a length of time: each
 * runs the loop until what it asked for has happened, or for a number of turns.
 */
static struct loop *loop;
static struct buf journal;

struct note {
    struct loop_task task;
    struct loop_hook hook;
    char name;
    unsigned repeat; /* further runs that it asks for */
    struct note *other;
};

/* Hooks stay in the loop when their test is over: they must live as long. */
static struct note notes[8];
static size_t notes_used;

static int set_up(void **state)
{
    (void)state;
    notes_used = 0;
    loop = loop_new();
    assert_non_null(loop);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    loop_free(loop);
    buf_release(&journal);
    return 0;
}

static uint64_t now_ms(void)
{
    struct timespec now;

    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void write_task(struct loop_task *task)
{
    buf_append_char(&journal, container_of(task, struct note, task)->name);
}

static void write_and_defer_again(struct loop_task *task)
{
    struct note *note = container_of(task, struct note, task);

    write_task(task);
    if (note->repeat > 0) {
        note->repeat--;
        loop_defer(loop, task);
    } else {
        loop_stop(loop);
    }
}

static bool write_hook(struct loop_hook *hook)
{
    struct note *note = container_of(hook, struct note, hook);

    buf_append_char(&journal, note->name);
    if (note->repeat == 0)
        return false;
    note->repeat--;
    return true;
}

static bool write_hook_and_stop_when_done(struct loop_hook *hook)
{
    bool more = write_hook(hook);

    if (!more)
        loop_stop(loop);
    return more;
}

static struct note *note_new(char name)
{
    struct note *note = &notes[notes_used++];

    *note = (struct note){.name = name, .task.run = write_task, .hook.run = write_hook};
    return note;
}

static void the_end_of_a_turn_has_an_order(void **state)
{
    struct note *task = note_new('t'), *work = note_new('w');
    struct note *flush = note_new('f'), *reap = note_new('r');

    (void)state;
    loop_hook_add(loop, LOOP_REAP, &reap->hook);
    loop_hook_add(loop, LOOP_FLUSH, &flush->hook);
    loop_hook_add(loop, LOOP_WORK, &work->hook);
    loop_defer(loop, &task->task);
    loop_stop(loop);
    loop_run(loop);
    assert_string_equal(buf_str(&journal), "twfr");
}

/* Burns the processor's time for as long as a turn has for work. */
static bool work_long(struct loop_hook *hook)
{
    const uint64_t began = now_ms();

    while (now_ms() < began + 4)
        continue;
    return write_hook(hook);
}

/* The others come first in the next turn, and nothing is served more often than its neighbour. */
static void what_works_shares_the_time_of_a_turn(void **state)
{
    struct note *flush = note_new('.');

    (void)state;
    for (const char *name = "abcdef"; *name != '\0'; name++) {
        struct note *note = note_new(*name);

        note->hook.run = work_long;
        note->repeat = 1;
        loop_hook_add(loop, LOOP_WORK, &note->hook);
    }
    flush->repeat = 3;
    flush->hook.run = write_hook_and_stop_when_done;
    loop_hook_add(loop, LOOP_FLUSH, &flush->hook);
    loop_run(loop);
    assert_string_equal(buf_str(&journal), "abc.def.abc.def.");
}

static unsigned fired_in_turn, fired_in_all;

static void fire_long(struct loop_timer *timer)
{
    const uint64_t began = now_ms();

    (void)timer;
    while (now_ms() < began + 3)
        continue;
    fired_in_turn++;
    fired_in_all++;
}

static bool look_at_fired(struct loop_hook *hook)
{
    (void)hook;
    assert_in_range(fired_in_turn, 0, 1);
    fired_in_turn = 0;
    if (fired_in_all == 6)
        loop_stop(loop);
    return false;
}

/* Each of them alone takes what a turn has for timers. */
static void long_timers_that_are_due_at_once_have_turns_of_their_own(void **state)
{
    struct loop_timer timers[6] = {{.expires = 0}};
    struct loop_hook hook = {.run = look_at_fired};

    (void)state;
    fired_in_turn = fired_in_all = 0;
    for (size_t i = 0; i < 6; i++) {
        timers[i].on_fire = fire_long;
        loop_timer_start(loop, &timers[i], 0);
    }
    loop_hook_add(loop, LOOP_FLUSH, &hook);
    loop_run(loop);
    assert_int_equal(fired_in_all, 6);
    loop_hook_remove(&hook);
}

static unsigned tasks_run;

static void count_task(struct loop_task *task)
{
    (void)task;
    tasks_run++;
}

static bool note_tasks(struct loop_hook *hook)
{
    struct note *note = container_of(hook, struct note, hook);

    if (note->repeat == 0) /* those of the first turn */
        note->repeat = tasks_run;
    if (tasks_run == 5000)
        loop_stop(loop);
    return false;
}

static void so_many_tasks_run_in_a_turn_and_the_next_goes_on(void **state)
{
    struct loop_task *tasks = mem_zalloc(5000 * sizeof(*tasks));
    struct note *flush = note_new('f');

    (void)state;
    tasks_run = 0;
    flush->hook.run = note_tasks;
    loop_hook_add(loop, LOOP_FLUSH, &flush->hook);
    for (size_t i = 0; i < 5000; i++) {
        tasks[i].run = count_task;
        loop_defer(loop, &tasks[i]);
    }
    loop_run(loop);
    assert_int_equal(tasks_run, 5000);
    assert_in_range(flush->repeat, 1, 1024);
    free(tasks);
}

/* Who spends it leaves nothing to others in the same turn. */
static void the_spare_time_of_a_turn_is_there_once(void **state)
{
    struct note *turns = note_new('f');
    struct slice *spare = loop_spare(loop);

    (void)state;
    assert_false(slice_is_over(spare));
    spare->left = 0;
    assert_true(slice_is_over(loop_spare(loop)));
    loop_hook_add(loop, LOOP_FLUSH, &turns->hook);
    loop_stop(loop);
    loop_run(loop);
    assert_false(slice_is_over(loop_spare(loop)));
}

/* A stop from a callback still flushes and reaps what that callback has queued. */
static void stop_from(struct ev_loop *ev, struct ev_io *io, int events)
{
    (void)events;
    buf_append_char(&journal, 'i');
    loop_defer(loop, &((struct note *)io->data)->task);
    loop_stop(loop);
    ev_io_stop(ev, io);
}

static void stopping_finishes_the_turn(void **state)
{
    struct note *task = note_new('t'), *reap = note_new('r');
    struct ev_io io;
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    ev_io_init(&io, stop_from, ends[1], EV_WRITE);
    io.data = task;
    ev_io_start(loop_ev(loop), &io);
    loop_hook_add(loop, LOOP_REAP, &reap->hook);
    loop_run(loop);
    assert_string_equal(buf_str(&journal), "ritr");
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void it_may_run_again_after_a_stop(void **state)
{
    struct note *task = note_new('t');

    (void)state;
    for (int i = 0; i < 3; i++) {
        loop_defer(loop, &task->task);
        loop_stop(loop);
        loop_run(loop);
    }
    assert_string_equal(buf_str(&journal), "ttt");
}

static void a_waiting_task_stays_where_it_is(void **state)
{
    struct note *a = note_new('a'), *b = note_new('b');

    (void)state;
    loop_defer(loop, &a->task);
    loop_defer(loop, &b->task);
    loop_defer(loop, &a->task);
    loop_stop(loop);
    loop_run(loop);
    assert_string_equal(buf_str(&journal), "ab");
}

static void write_and_cancel_other(struct loop_task *task)
{
    write_task(task);
    loop_cancel(&container_of(task, struct note, task)->other->task);
}

static void a_cancelled_task_does_not_run(void **state)
{
    struct note *a = note_new('a'), *b = note_new('b'), *c = note_new('c');

    (void)state;
    a->task.run = write_and_cancel_other;
    a->other = b;
    loop_defer(loop, &a->task);
    loop_defer(loop, &b->task);
    loop_defer(loop, &c->task);
    loop_cancel(&c->task);
    loop_cancel(&c->task);
    loop_stop(loop);
    loop_run(loop);
    assert_string_equal(buf_str(&journal), "a");
}

static void write_and_defer_other(struct loop_task *task)
{
    write_task(task);
    loop_defer(loop, &container_of(task, struct note, task)->other->task);
}

static void a_task_of_a_task_runs_before_the_flush(void **state)
{
    struct note *a = note_new('a'), *b = note_new('b'), *flush = note_new('f');

    (void)state;
    a->task.run = write_and_defer_other;
    a->other = b;
    loop_hook_add(loop, LOOP_FLUSH, &flush->hook);
    loop_defer(loop, &a->task);
    loop_stop(loop);
    loop_run(loop);
    assert_string_equal(buf_str(&journal), "abf");
}

/* A task that defers itself for ever must let flushes (and sockets) have their turn. */
static void tasks_cannot_starve_the_rest(void **state)
{
    struct note *task = note_new('t'), *flush = note_new('f');
    const char *first_flush;

    (void)state;
    task->task.run = write_and_defer_again;
    task->repeat = 1000;
    loop_hook_add(loop, LOOP_FLUSH, &flush->hook);
    loop_defer(loop, &task->task);
    loop_run(loop);
    first_flush = strchr(buf_str(&journal), 'f');
    assert_non_null(first_flush);
    assert_in_range(first_flush - buf_str(&journal), 2, 100);
    assert_true(loop_lag(loop)->turns > 10);
}

/* In this test and the next two each wait would last until the next tick, 100 ms: all of them
 * together longer than a test may take. */
static void it_does_not_wait_while_a_hook_has_more(void **state)
{
    struct note *flush = note_new('f');

    (void)state;
    flush->hook.run = write_hook_and_stop_when_done;
    flush->repeat = 5000;
    loop_hook_add(loop, LOOP_FLUSH, &flush->hook);
    loop_run(loop);
    assert_int_equal(journal.length, 5001);
}

static bool write_and_defer_from_hook(struct loop_hook *hook)
{
    struct note *note = container_of(hook, struct note, hook);

    buf_append_char(&journal, note->name);
    if (note->repeat == 0) {
        loop_stop(loop);
    } else {
        note->repeat--;
        loop_defer(loop, &note->task);
    }
    return false;
}

static bool write_and_defer_while_any(struct loop_hook *hook)
{
    struct note *note = container_of(hook, struct note, hook);

    buf_append_char(&journal, note->name);
    if (note->repeat == 0)
        return false;
    note->repeat--;
    loop_defer(loop, &note->task);
    return note->repeat == 0;
}

static void settling_runs_what_is_left_and_waits_for_nothing(void **state)
{
    struct note *flush = note_new('f');

    (void)state;
    flush->hook.run = write_and_defer_while_any;
    flush->repeat = 2;
    loop_hook_add(loop, LOOP_FLUSH, &flush->hook);
    loop_settle(loop);
    assert_string_equal(buf_str(&journal), "fffff");
    loop_settle(loop);
    assert_string_equal(buf_str(&journal), "ffffff");
}

static void tasks_of_hooks_are_served_without_waiting(void **state)
{
    struct note *reap = note_new('r');

    (void)state;
    reap->hook.run = write_and_defer_from_hook;
    reap->repeat = 3000;
    loop_hook_add(loop, LOOP_REAP, &reap->hook);
    loop_run(loop);
    assert_int_equal(journal.length, 6001);
}

static bool wake_from_hook(struct loop_hook *hook)
{
    struct note *note = container_of(hook, struct note, hook);

    loop_wake(loop, LOOP_FLUSH);
    if (note->repeat-- == 0)
        loop_stop(loop);
    return false;
}

static void waking_keeps_it_from_waiting(void **state)
{
    struct note *hook = note_new('h');

    (void)state;
    hook->hook.run = wake_from_hook;
    hook->repeat = 3000;
    loop_hook_add(loop, LOOP_FLUSH, &hook->hook);
    loop_run(loop);
    assert_true(loop_lag(loop)->turns >= 3000);
}

static bool write_and_wake_flush(struct loop_hook *hook)
{
    buf_append_char(&journal, container_of(hook, struct note, hook)->name);
    loop_wake(loop, LOOP_FLUSH);
    return false;
}

static bool write_and_wake_work_once(struct loop_hook *hook)
{
    struct note *note = container_of(hook, struct note, hook);

    buf_append_char(&journal, note->name);
    if (note->repeat > 0) {
        note->repeat--;
        loop_wake(loop, LOOP_WORK);
    }
    return false;
}

/* The first of the two wakes who comes later in the same turn, the other one who has had his. */
static void another_turn_comes_for_hooks_that_have_run(void **state)
{
    struct note *work = note_new('w'), *flush = note_new('f');

    (void)state;
    work->hook.run = write_and_wake_flush;
    flush->hook.run = write_and_wake_work_once;
    flush->repeat = 1;
    loop_hook_add(loop, LOOP_WORK, &work->hook);
    loop_hook_add(loop, LOOP_FLUSH, &flush->hook);
    loop_settle(loop);
    assert_string_equal(buf_str(&journal), "wfwf");
}

static bool write_and_remove_both(struct loop_hook *hook)
{
    struct note *note = container_of(hook, struct note, hook);

    buf_append_char(&journal, note->name);
    loop_hook_remove(hook);
    loop_hook_remove(&note->other->hook);
    return false;
}

static void hooks_may_remove_themselves_and_others(void **state)
{
    struct note *a = note_new('a'), *b = note_new('b'), *c = note_new('c');

    (void)state;
    a->hook.run = write_and_remove_both;
    a->other = b;
    loop_hook_add(loop, LOOP_FLUSH, &a->hook);
    loop_hook_add(loop, LOOP_FLUSH, &b->hook);
    loop_hook_add(loop, LOOP_FLUSH, &c->hook);
    for (int i = 0; i < 2; i++) {
        loop_stop(loop);
        loop_run(loop);
    }
    assert_string_equal(buf_str(&journal), "acc");
}

static bool write_and_add_other(struct loop_hook *hook)
{
    struct note *note = container_of(hook, struct note, hook);

    buf_append_char(&journal, note->name);
    if (note->other != NULL)
        loop_hook_add(loop, LOOP_FLUSH, &note->other->hook);
    note->other = NULL;
    return false;
}

static void a_hook_that_a_hook_adds_is_served_without_waiting(void **state)
{
    struct note *a = note_new('a'), *b = note_new('b');

    (void)state;
    a->hook.run = write_and_add_other;
    a->other = b;
    b->hook.run = write_hook_and_stop_when_done;
    loop_hook_add(loop, LOOP_FLUSH, &a->hook);
    loop_run(loop);
    assert_string_equal(buf_str(&journal), "aab");
}

struct alarm {
    struct loop_timer timer;
    uint64_t due_ms;
    uint64_t fired_ms;
    unsigned *open;
};

static void note_alarm(struct loop_timer *timer)
{
    struct alarm *alarm = container_of(timer, struct alarm, timer);

    alarm->fired_ms = now_ms();
    if (--*alarm->open == 0)
        loop_stop(loop);
}

static void timers_never_fire_early(void **state)
{
    static const uint64_t delays[] = {0, 1, 50, 99, 100, 101, 150, 250, 333};
    enum { COUNT = sizeof(delays) / sizeof(delays[0]) };
    struct alarm alarms[COUNT] = {{.open = NULL}};
    unsigned open = COUNT;

    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        alarms[i].timer.on_fire = note_alarm;
        alarms[i].open = &open;
        alarms[i].due_ms = now_ms() + delays[i];
        loop_timer_start(loop, &alarms[i].timer, delays[i]);
    }
    loop_run(loop);
    assert_int_equal(open, 0);
    for (size_t i = 0; i < COUNT; i++) {
        assert_false(loop_timer_is_active(&alarms[i].timer));
        assert_true(alarms[i].fired_ms >= alarms[i].due_ms);
    }
}

/* A turn that takes long, then a timer: the delay counts from the call, not from the turn. */
static struct alarm *late_alarm;

static void start_after_a_long_turn(struct loop_task *task)
{
    uint64_t began = now_ms();

    (void)task;
    while (now_ms() < began + 150)
        continue;
    late_alarm->due_ms = now_ms() + 100;
    loop_timer_start(loop, &late_alarm->timer, 100);
}

static void a_long_turn_makes_no_timer_early_and_is_told(void **state)
{
    unsigned open = 1;
    struct alarm alarm = {.timer.on_fire = note_alarm, .open = &open};
    struct note *task = note_new('t');

    (void)state;
    task->task.run = start_after_a_long_turn;
    late_alarm = &alarm;
    loop_defer(loop, &task->task);
    loop_run(loop);
    assert_true(alarm.fired_ms >= alarm.due_ms);
    assert_true(loop_lag(loop)->longest_turn >= 0.149);
    assert_true(loop_lag(loop)->max_seconds >= loop_lag(loop)->last_seconds);
    assert_true(loop_lag(loop)->max_seconds >= 0.04);
}

/* Events that come faster than the delay do not put it off; one that needs it sooner gets it. */
static void a_hastened_timer_is_not_put_off(void **state)
{
    struct loop_timer timer = {.on_fire = NULL};
    uint64_t expires;

    (void)state;
    loop_timer_hasten(loop, &timer, 5000);
    expires = timer.expires;
    loop_timer_hasten(loop, &timer, 6000);
    assert_int_equal(timer.expires, expires);
    loop_timer_hasten(loop, &timer, 1000);
    assert_true(timer.expires < expires);
    loop_timer_stop(&timer);
}

static void a_stopped_timer_does_not_fire(void **state)
{
    unsigned open = 1;
    struct alarm never = {.timer.on_fire = note_alarm, .open = &open};
    struct alarm last = {.timer.on_fire = note_alarm, .open = &open};

    (void)state;
    loop_timer_start(loop, &never.timer, 10);
    loop_timer_start(loop, &last.timer, 210);
    loop_timer_stop(&never.timer);
    loop_timer_stop(&never.timer);
    loop_run(loop);
    assert_int_equal(never.fired_ms, 0);
    assert_true(last.fired_ms > 0);
}

static void the_longest_delay_is_not_an_early_one(void **state)
{
    unsigned open = 1;
    struct alarm never = {.timer.on_fire = note_alarm, .open = &open};
    struct alarm last = {.timer.on_fire = note_alarm, .open = &open};

    (void)state;
    loop_timer_start(loop, &never.timer, UINT64_MAX);
    loop_timer_start(loop, &last.timer, 1);
    loop_run(loop);
    assert_int_equal(never.fired_ms, 0);
    assert_true(loop_timer_is_active(&never.timer));
    loop_timer_stop(&never.timer);
}

static void time_stands_still_within_a_turn(struct loop_task *task)
{
    uint64_t before = loop_now_ms(loop), real = now_ms();

    (void)task;
    while (now_ms() < real + 3)
        continue;
    assert_int_equal(loop_now_ms(loop), before);
    loop_stop(loop);
}

static void the_time_is_that_of_the_turn(void **state)
{
    struct loop_task task = {.run = time_stands_still_within_a_turn};
    uint64_t before = now_ms();
    time_t wall = time(NULL);

    (void)state;
    loop_defer(loop, &task);
    loop_run(loop);
    assert_in_range(loop_now_ms(loop), before, now_ms());
    assert_in_range(loop_wall_ms(loop) / 1000, wall - 1, time(NULL) + 1);
}

static void block_for_half_a_second(struct loop_timer *timer)
{
    uint64_t real = now_ms();

    (void)timer;
    while (now_ms() < real + 500)
        continue;
}

static void stop_on_fire(struct loop_timer *timer)
{
    (void)timer;
    loop_stop(loop);
}

static uint64_t unserved_ms(void)
{
    return loop_now_ms(loop) - loop_served_ms(loop);
}

/* However late the machine makes us besides: what was due waited for all but the first tick. */
static void what_we_are_late_by_is_not_served(void **state)
{
    struct loop_timer slow = {.on_fire = block_for_half_a_second};
    struct loop_timer last = {.on_fire = stop_on_fire};
    uint64_t unserved, served;

    (void)state;
    for (int round = 0; round < 2; round++) {
        unserved = unserved_ms();
        served = loop_served_ms(loop);
        loop_timer_start(loop, &slow, 0);
        loop_timer_start(loop, &last, LOOP_TIMER_TICK_MS + 1);
        loop_run(loop);
        assert_true(unserved_ms() >= unserved + 500 - 2 * LOOP_TIMER_TICK_MS);
        assert_true(loop_served_ms(loop) >= served);
    }
}

static void freeing_lets_go_of_everything(void **state)
{
    struct loop *other = loop_new();
    struct note *note = note_new('x');
    struct loop_timer timer = {.on_fire = NULL};

    (void)state;
    loop_defer(other, &note->task);
    loop_hook_add(other, LOOP_REAP, &note->hook);
    loop_timer_start(other, &timer, 5000);
    loop_free(other);
    assert_false(loop_timer_is_active(&timer));
    assert_false(list_is_linked(&note->task.node));
    assert_false(list_is_linked(&note->hook.node));
    loop_free(NULL);
}

#define LOOP_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOP_TEST(the_end_of_a_turn_has_an_order),
        LOOP_TEST(what_works_shares_the_time_of_a_turn),
        LOOP_TEST(long_timers_that_are_due_at_once_have_turns_of_their_own),
        LOOP_TEST(so_many_tasks_run_in_a_turn_and_the_next_goes_on),
        LOOP_TEST(the_spare_time_of_a_turn_is_there_once),
        LOOP_TEST(stopping_finishes_the_turn),
        LOOP_TEST(it_may_run_again_after_a_stop),
        LOOP_TEST(settling_runs_what_is_left_and_waits_for_nothing),
        LOOP_TEST(a_waiting_task_stays_where_it_is),
        LOOP_TEST(a_cancelled_task_does_not_run),
        LOOP_TEST(a_task_of_a_task_runs_before_the_flush),
        LOOP_TEST(tasks_cannot_starve_the_rest),
        LOOP_TEST(it_does_not_wait_while_a_hook_has_more),
        LOOP_TEST(tasks_of_hooks_are_served_without_waiting),
        LOOP_TEST(waking_keeps_it_from_waiting),
        LOOP_TEST(another_turn_comes_for_hooks_that_have_run),
        LOOP_TEST(hooks_may_remove_themselves_and_others),
        LOOP_TEST(a_hook_that_a_hook_adds_is_served_without_waiting),
        LOOP_TEST(timers_never_fire_early),
        LOOP_TEST(a_long_turn_makes_no_timer_early_and_is_told),
        LOOP_TEST(a_hastened_timer_is_not_put_off),
        LOOP_TEST(a_stopped_timer_does_not_fire),
        LOOP_TEST(the_longest_delay_is_not_an_early_one),
        LOOP_TEST(the_time_is_that_of_the_turn),
        LOOP_TEST(what_we_are_late_by_is_not_served),
        LOOP_TEST(freeing_lets_go_of_everything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
