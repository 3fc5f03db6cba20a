/* SPDX-License-Identifier: Apache-2.0 */
#include "base/wheel.h"

#include "base/loop.h"
#include "base/mem.h"

static struct list *slot_of(struct wheel *wheel, uint64_t notch)
{
    return &wheel->slots[notch % WHEEL_SLOTS];
}

void wheel_init(struct wheel *wheel)
{
    wheel->served = 0;
    for (size_t i = 0; i < WHEEL_SLOTS; i++)
        list_init(&wheel->slots[i]);
}

void wheel_release(struct wheel *wheel)
{
    for (size_t i = 0; i < WHEEL_SLOTS; i++)
        while (list_take_first(&wheel->slots[i]) != NULL)
            continue;
}

void wheel_add(struct wheel *wheel, struct loop_timer *timer, uint64_t notch)
{
    list_remove(&timer->node);
    timer->expires = notch > wheel->served ? notch : wheel->served + 1;
    list_append(slot_of(wheel, timer->expires), &timer->node);
}

static void serve(struct wheel *wheel)
{
    struct list due;
    struct list *node;

    /* The due ones leave the slot before any callback runs. They hang on a list of their own
     * until their turn comes, so that a callback may take any of them off it. */
    list_init(&due);
    list_for_each_safe(at, after, slot_of(wheel, wheel->served)) {
        if (container_of(at, struct loop_timer, node)->expires > wheel->served)
            continue;
        list_remove(at);
        list_append(&due, at);
    }
    while ((node = list_take_first(&due)) != NULL) {
        struct loop_timer *timer = container_of(node, struct loop_timer, node);

        timer->on_fire(timer);
    }
}

void wheel_advance(struct wheel *wheel, uint64_t notch)
{
    while (wheel->served < notch) {
        wheel->served++; /* before firing: what is started meanwhile belongs to a later notch */
        serve(wheel);
    }
}
