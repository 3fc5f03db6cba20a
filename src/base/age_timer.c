/* SPDX-License-Identifier: Apache-2.0 */
#include "base/age_timer.h"

#include "base/slice.h"

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
        start(timer, LOOP_TIMER_NOTCH_MS);
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
