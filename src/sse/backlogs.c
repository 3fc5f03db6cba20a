/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/backlogs.h"

#include <assert.h>
#include <stdlib.h>

#include "base/loop.h"
#include "base/mem.h"
#include "base/slice.h"
#include "sse/backlog.h"

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
    struct slice slice;

    if (list_is_empty(&backlogs->roused))
        return false;
    slice = slice_new(SLICE_NS, UINT32_MAX, 1);
    list_take_all(&batch, &backlogs->roused);
    while ((node = list_take_first(&batch))) {
        sse_backlog_run(container_of(node, struct sse_backlog, node));
        if (!slice_spend(&slice))
            break;
    }
    list_prepend_all(&backlogs->roused, &batch);
    return !list_is_empty(&backlogs->roused);
}

struct sse_backlogs *sse_backlogs_new(struct loop *loop)
{
    struct sse_backlogs *backlogs = mem_zalloc(sizeof(*backlogs));

    backlogs->loop = loop;
    backlogs->hook.run = on_turn;
    list_init(&backlogs->roused);
    loop_hook_add(loop, LOOP_WORK, &backlogs->hook);
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
