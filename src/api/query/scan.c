/* SPDX-License-Identifier: Apache-2.0 */
#include "api/query/scan.h"

#include <stdint.h>

#include "sse/service.h"

static const struct sse_group *group_of(const struct scan *scan)
{
    if (!scan->key)
        return sse_registry_all(scan->core->registry);
    return sse_registry_group(scan->core->registry, scan->kind, scan->key);
}

/* From the end to the start, as sse/registry.h asks. */
static bool scan_step(struct slices *slices)
{
    struct scan *scan = container_of(slices, struct scan, slices);
    const struct sse_group *group = group_of(scan);

    if (!group)
        return false;
    if (scan->position > group->count)
        scan->position = group->count;
    if (scan->position == 0)
        return false;
    scan->position--;
    scan->visit(scan, group->members[scan->position]);
    return scan->position > 0;
}

static void scan_done(struct slices *slices)
{
    struct scan *scan = container_of(slices, struct scan, slices);

    scan->done(scan);
}

void scan_start(struct loop *loop, struct scan *scan)
{
    scan->position = SIZE_MAX;
    scan->slices.step = scan_step;
    scan->slices.done = scan_done;
    slices_start(loop, &scan->slices);
}
