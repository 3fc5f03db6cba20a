/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_FAKE_LOOP_H
#define SUPPORT_FAKE_LOOP_H
/*
 * The loop of base/loop.h with a clock that the test winds, for what has timers and hooks but does
 * no I/O: linked in the place of the real one, because these definitions come first. Include it in
 * one source file of a test program.
 */
#include <stdlib.h>

#include "base/loop.h"
#include "base/mem.h"
#include "base/slice.h"

#define FAKE_LOOP_WALL_START INT64_C(1700000000000)

struct loop {
    uint64_t now_ms;
    uint64_t late_ms;       /* of that, what it was late by */
    int64_t wall_offset_ms; /* how far the wall clock was set */
    struct list timers;     /* expires: in ms here */
    struct list tasks;
    struct list hooks[LOOP_PHASES];
    unsigned wakes;
    struct slice spare;
    bool is_busy; /* a turn has no time to spare */
};

struct loop *loop_new(void)
{
    struct loop *loop = mem_zalloc(sizeof(*loop));

    loop->now_ms = 1000;
    list_init(&loop->timers);
    list_init(&loop->tasks);
    for (size_t phase = 0; phase < LOOP_PHASES; phase++)
        list_init(&loop->hooks[phase]);
    return loop;
}

void loop_free(struct loop *loop)
{
    free(loop);
}

/* Mailboxes need another loop. */
struct ev_loop *loop_ev(struct loop *loop)
{
    (void)loop;
    abort();
}

uint64_t loop_now_ms(const struct loop *loop)
{
    return loop->now_ms;
}

uint64_t loop_served_ms(const struct loop *loop)
{
    return loop->now_ms - loop->late_ms;
}

int64_t loop_wall_ms(const struct loop *loop)
{
    return FAKE_LOOP_WALL_START + (int64_t)loop->now_ms + loop->wall_offset_ms;
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

void loop_timer_start(struct loop *loop, struct loop_timer *timer, uint64_t delay_ms)
{
    list_remove(&timer->node);
    timer->expires = loop->now_ms + delay_ms;
    list_append(&loop->timers, &timer->node);
}

void loop_timer_hasten(struct loop *loop, struct loop_timer *timer, uint64_t delay_ms)
{
    if (!loop_timer_is_active(timer) || loop->now_ms + delay_ms < timer->expires)
        loop_timer_start(loop, timer, delay_ms);
}

void loop_timer_stop(struct loop_timer *timer)
{
    list_remove(&timer->node);
}

void loop_hook_add(struct loop *loop, enum loop_phase phase, struct loop_hook *hook)
{
    list_append(&loop->hooks[phase], &hook->node);
}

void loop_hook_remove(struct loop_hook *hook)
{
    list_remove(&hook->node);
}

void loop_count_messages(struct loop *loop, uint64_t count)
{
    (void)loop;
    (void)count;
}

struct slice *loop_spare(struct loop *loop)
{
    loop->spare = slice_new(SLICE_NS, loop->is_busy ? 0 : UINT32_MAX, 1);
    return &loop->spare;
}

void loop_wake(struct loop *loop, enum loop_phase phase)
{
    (void)phase;
    loop->wakes++;
}

/* The end of one turn; true when a hook has more to do. */
static inline bool fake_loop_turn(struct loop *loop)
{
    struct list *node;
    bool is_more = false;

    while ((node = list_take_first(&loop->tasks))) {
        struct loop_task *task = container_of(node, struct loop_task, node);

        task->run(task);
    }
    for (size_t phase = 0; phase < LOOP_PHASES; phase++) {
        list_for_each_safe(each, after, &loop->hooks[phase]) {
            struct loop_hook *hook = container_of(each, struct loop_hook, node);

            is_more = hook->run(hook) || is_more;
        }
    }
    return is_more;
}

/* Whether something will wake it up again. */
static inline bool fake_loop_has_timers(const struct loop *loop)
{
    return !list_is_empty(&loop->timers);
}

static inline struct loop_timer *fake_loop_next_timer(const struct loop *loop)
{
    struct loop_timer *next = NULL;

    list_for_each(node, &loop->timers) {
        struct loop_timer *timer = container_of(node, struct loop_timer, node);

        if (!next || timer->expires < next->expires)
            next = timer;
    }
    return next;
}

/* Lets time pass: every timer fires when it is due, in order. */
static inline void fake_loop_advance(struct loop *loop, uint64_t ms)
{
    const uint64_t until = loop->now_ms + ms;
    struct loop_timer *timer;

    while ((timer = fake_loop_next_timer(loop)) && timer->expires <= until) {
        loop->now_ms = timer->expires > loop->now_ms ? timer->expires : loop->now_ms;
        list_remove(&timer->node);
        timer->on_fire(timer);
    }
    loop->now_ms = until;
}

/* The process is stopped for so long: then every timer that is due fires, late. */
static inline void fake_loop_stop(struct loop *loop, uint64_t ms)
{
    loop->now_ms += ms;
    loop->late_ms += ms;
    fake_loop_advance(loop, 0);
}

#endif
