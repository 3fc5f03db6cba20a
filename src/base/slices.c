/* SPDX-License-Identifier: Apache-2.0 */
#include "base/slices.h"

#include "base/mem.h"
#include "base/slice.h"

#define STEPS_PER_LOOK 16u /* at the clock */
#define MOST_LOOKS     4096u

/* True when there is more. */
static bool run_slice(struct slices *slices, struct slice *slice)
{
    const unsigned steps = slices->has_long_steps ? 1 : STEPS_PER_LOOK;

    while (!slice_is_over(slice)) {
        for (unsigned i = 0; i < steps; i++) {
            if (!slices->step(slices))
                return false;
        }
        (void)slice_spend(slice);
    }
    return true;
}

static void run_done(struct loop_task *task)
{
    struct slices *slices = container_of(task, struct slices, task);

    slices->done(slices);
}

static bool run_hook(struct loop_hook *hook)
{
    struct slices *slices = container_of(hook, struct slices, hook);
    struct slice slice = slice_new(SLICE_NS, MOST_LOOKS, 1);

    if (run_slice(slices, &slice))
        return true;
    loop_hook_remove(hook);
    /* What comes out of it is queued before the next flush, not in the midst of this one. */
    slices->task.run = run_done;
    loop_defer(slices->loop, &slices->task);
    return false;
}

void slices_start(struct loop *loop, struct slices *slices)
{
    if (!run_slice(slices, loop_spare(loop))) {
        slices->done(slices);
        return;
    }
    slices->loop = loop;
    slices->hook.run = run_hook;
    loop_hook_add(loop, LOOP_WORK, &slices->hook);
}

/* ---- chores ---- */

#define UNITS           4096u
#define UNITS_PER_CHECK 4u

static bool run_chores(struct loop_hook *hook)
{
    struct chores *chores = container_of(hook, struct chores, hook);
    struct slice slice = slice_new(SLICE_NS, UNITS, UNITS_PER_CHECK);
    struct list *node;

    while (!slice_is_over(&slice) && (node = list_take_first(&chores->list))) {
        struct chore *chore = container_of(node, struct chore, node);

        if (!chore->step(chore, &slice))
            list_prepend(&chores->list, &chore->node);
        (void)slice_spend(&slice);
    }
    if (list_is_empty(&chores->list))
        loop_hook_remove(&chores->hook);
    return !list_is_empty(&chores->list);
}

void chores_init(struct chores *chores, struct loop *loop)
{
    *chores = (struct chores){.loop = loop, .hook = {.run = run_chores}};
    list_init(&chores->list);
}

void chores_release(struct chores *chores)
{
    loop_hook_remove(&chores->hook);
    while (list_take_first(&chores->list)) {
    }
}

void chores_add(struct chores *chores, struct chore *chore)
{
    if (list_is_linked(&chore->node))
        return;
    if (!list_is_linked(&chores->hook.node))
        loop_hook_add(chores->loop, LOOP_WORK, &chores->hook);
    list_append(&chores->list, &chore->node);
}

/* ---- age timers ---- */

/* What ends soon after the first waits for the others: no timer for each of them. */
#define GATHER_MS 1000u

/* When the next is due; 0: at once, since the time is up. */
static uint64_t end_slice(struct age_timer *timer, uint64_t now_ms)
{
    struct slice slice = slice_new(SLICE_NS, UINT32_MAX, 1);
    uint64_t due;

    /* One may take as long as a thousand others: of a message to thousands of users. */
    do {
        due = timer->end_first(timer, now_ms);
    } while (due == 0 && slice_spend(&slice));
    return due;
}

static void start(struct age_timer *timer, uint64_t wait_ms)
{
    timer->due_ms = loop_now_ms(timer->loop) + wait_ms;
    loop_timer_start(timer->loop, &timer->timer, wait_ms);
}

static void on_fire(struct loop_timer *loop_timer)
{
    struct age_timer *timer = container_of(loop_timer, struct age_timer, timer);
    const uint64_t now = loop_now_ms(timer->loop);
    const uint64_t due = end_slice(timer, now);

    if (due == 0)
        start(timer, LOOP_TIMER_TICK_MS);
    else if (due != AGE_TIMER_NEVER)
        start(timer, due > now + GATHER_MS ? due - now : GATHER_MS);
}

void age_timer_init(struct age_timer *timer, struct loop *loop,
                    uint64_t (*end_first)(struct age_timer *timer, uint64_t now_ms))
{
    *timer = (struct age_timer){.loop = loop, .end_first = end_first};
    timer->timer.on_fire = on_fire;
}

void age_timer_release(struct age_timer *timer)
{
    loop_timer_stop(&timer->timer);
}

void age_timer_add(struct age_timer *timer, uint64_t due_ms)
{
    const uint64_t now = loop_now_ms(timer->loop);

    if (due_ms == AGE_TIMER_NEVER ||
        (loop_timer_is_active(&timer->timer) && timer->due_ms <= due_ms))
        return;
    start(timer, due_ms > now ? due_ms - now : 0);
}

void age_timer_end_due(struct age_timer *timer, uint64_t now_ms)
{
    while (timer->end_first(timer, now_ms) == 0)
        continue;
}
