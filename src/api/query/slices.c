/* SPDX-License-Identifier: Apache-2.0 */
#include "api/query/slices.h"

#include <stdint.h>

#include "base/clock.h"

#define SLICE_NS       1000000
#define STEPS_PER_LOOK 16u /* at the clock */

static bool run_slice(struct slices *slices)
{
    const unsigned steps = slices->has_long_steps ? 1 : STEPS_PER_LOOK;
    uint64_t end = clock_real_ns() + SLICE_NS;

    do {
        for (unsigned i = 0; i < steps; i++) {
            if (!slices->step(slices))
                return false;
        }
    } while (clock_real_ns() < end);
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

    if (run_slice(slices))
        return true;
    loop_hook_remove(hook);
    /* What comes out of it is queued before the next flush, not in the midst of this one. */
    slices->task.run = run_done;
    loop_defer(slices->loop, &slices->task);
    return false;
}

void slices_start(struct loop *loop, struct slices *slices)
{
    if (!run_slice(slices)) {
        slices->done(slices);
        return;
    }
    slices->loop = loop;
    slices->hook.run = run_hook;
    loop_hook_add(loop, LOOP_FLUSH, &slices->hook);
}
