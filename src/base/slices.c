/* SPDX-License-Identifier: Apache-2.0 */
#include "base/slices.h"

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
