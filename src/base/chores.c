/* SPDX-License-Identifier: Apache-2.0 */
#include "base/chores.h"

#include "base/mem.h"
#include "base/slice.h"

#define UNITS           4096u
#define UNITS_PER_CHECK 4u

static bool run(struct loop_hook *hook)
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
    if (chores_are_done(chores))
        loop_hook_remove(&chores->hook);
    return !chores_are_done(chores);
}

void chores_init(struct chores *chores, struct loop *loop)
{
    *chores = (struct chores){.loop = loop, .hook = {.run = run}};
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
