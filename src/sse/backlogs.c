/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/backlogs.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/loop.h"
#include "base/mem.h"
#include "sse/backlog.h"

#define SLICE_NS 1000000

struct sse_backlogs {
    struct loop *loop;
    struct loop_hook hook;
    struct list roused;
};

/* Each that is roused now once; those for whom the time does not suffice come first in the next
 * turn. */
static bool on_turn(struct loop_hook *hook)
{
    struct sse_backlogs *backlogs = container_of(hook, struct sse_backlogs, hook);
    struct list batch;
    struct list *node;
    uint64_t ends_ns;

    if (list_is_empty(&backlogs->roused))
        return false;
    ends_ns = clock_real_ns() + SLICE_NS;
    list_take_all(&batch, &backlogs->roused);
    while ((node = list_take_first(&batch))) {
        sse_backlog_run(container_of(node, struct sse_backlog, node));
        if (clock_real_ns() >= ends_ns)
            break;
    }
    while (!list_is_empty(&batch)) {
        node = batch.prev;
        list_remove(node);
        list_prepend(&backlogs->roused, node);
    }
    return !list_is_empty(&backlogs->roused);
}

struct sse_backlogs *sse_backlogs_new(struct loop *loop)
{
    struct sse_backlogs *backlogs = mem_zalloc(sizeof(*backlogs));

    backlogs->loop = loop;
    backlogs->hook.run = on_turn;
    list_init(&backlogs->roused);
    loop_hook_add(loop, LOOP_FLUSH, &backlogs->hook);
    return backlogs;
}

void sse_backlogs_free(struct sse_backlogs *backlogs)
{
    assert(list_is_empty(&backlogs->roused));
    loop_hook_remove(&backlogs->hook);
    free(backlogs);
}

void sse_backlogs_rouse(struct sse_backlogs *backlogs, struct sse_backlog *backlog)
{
    if (list_is_linked(&backlog->node))
        return;
    list_append(&backlogs->roused, &backlog->node);
    loop_wake(backlogs->loop);
}
