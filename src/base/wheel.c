/* SPDX-License-Identifier: Apache-2.0 */
#include "base/wheel.h"

#include "base/loop.h"
#include "base/mem.h"
#include "base/slice.h"

static uint64_t earlier(uint64_t one, uint64_t other)
{
    return one < other ? one : other;
}

void wheel_init(struct wheel *wheel)
{
    wheel->served = 0;
    list_init(&wheel->due);
    for (size_t i = 0; i < WHEEL_SLOTS; i++) {
        list_init(&wheel->slots[i]);
        wheel->first[i] = WHEEL_NEVER;
    }
}

void wheel_release(struct wheel *wheel)
{
    while (list_take_first(&wheel->due) != NULL)
        continue;
    for (size_t i = 0; i < WHEEL_SLOTS; i++)
        while (list_take_first(&wheel->slots[i]) != NULL)
            continue;
}

void wheel_add(struct wheel *wheel, struct loop_timer *timer, uint64_t tick)
{
    size_t slot;

    list_remove(&timer->node);
    timer->expires = tick > wheel->served ? tick : wheel->served + 1;
    slot = timer->expires % WHEEL_SLOTS;
    wheel->first[slot] = earlier(wheel->first[slot], timer->expires);
    list_append(&wheel->slots[slot], &timer->node);
}

/* The due ones leave the slot before any callback runs. They hang on a list of their own until
 * their turn comes, so that a callback may take any of them off it. */
static void look_through(struct wheel *wheel, size_t slot)
{
    uint64_t first = WHEEL_NEVER;

    list_for_each_safe(at, after, &wheel->slots[slot]) {
        const uint64_t expires = container_of(at, struct loop_timer, node)->expires;

        if (expires > wheel->served) {
            first = earlier(first, expires);
            continue;
        }
        list_remove(at);
        list_append(&wheel->due, at);
    }
    wheel->first[slot] = first;
}

uint64_t wheel_next(struct wheel *wheel)
{
    uint64_t next = WHEEL_NEVER;

    if (!list_is_empty(&wheel->due))
        return wheel->served;
    for (size_t i = 1; i <= WHEEL_SLOTS; i++) {
        const size_t slot = (wheel->served + i) % WHEEL_SLOTS;

        if (wheel->first[slot] >= next)
            continue;
        look_through(wheel, slot); /* timers may have left it */
        next = earlier(next, wheel->first[slot]);
    }
    return next;
}

bool wheel_advance(struct wheel *wheel, uint64_t tick, struct slice *slice)
{
    struct list *node;

    for (;;) {
        while ((node = list_take_first(&wheel->due)) != NULL) {
            struct loop_timer *timer = container_of(node, struct loop_timer, node);

            timer->on_fire(timer);
            if (!slice_spend(slice))
                return wheel->served >= tick && list_is_empty(&wheel->due);
        }
        if (wheel->served >= tick)
            return true;
        /* Before firing: what is started meanwhile belongs to a later tick. */
        wheel->served = earlier(wheel_next(wheel), tick);
        look_through(wheel, wheel->served % WHEEL_SLOTS);
    }
}
