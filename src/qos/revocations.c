/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/revocations.h"

#include <stdlib.h>

#include "base/mem.h"

void qos_revocations_add(struct qos_revocations *list, const struct qos_revocation *revocation)
{
    if (list->count == list->room) {
        list->room = list->room > 0 ? 2 * list->room : 16;
        list->items = mem_realloc(list->items, list->room * sizeof(list->items[0]));
    }
    list->items[list->count] = *revocation;
    list->items[list->count++].name = mem_strdup(revocation->name);
}

void qos_revocations_release(struct qos_revocations *list)
{
    for (size_t i = 0; i < list->count; i++)
        free((char *)(uintptr_t)list->items[i].name);
    free(list->items);
    *list = (struct qos_revocations){0};
}

static int run_keep(struct qos_job *job, struct qos_repository *repository)
{
    const struct qos_keep_revocations *keep = container_of(job, struct qos_keep_revocations, job);
    int status = 0;

    for (size_t i = 0; status == 0 && i < keep->list.count; i++)
        status = repository->ops->revoke(repository, &keep->list.items[i]);
    return status == 0 ? repository->ops->forget_revocations(repository, keep->now, keep->most)
                       : status;
}

void qos_keep_revocations_init(struct qos_keep_revocations *keep)
{
    keep->job.run = run_keep;
}

static void take(void *context, const struct qos_revocation *revocation)
{
    qos_revocations_add(context, revocation);
}

static int run_read(struct qos_job *job, struct qos_repository *repository)
{
    struct qos_read_revocations *read = container_of(job, struct qos_read_revocations, job);

    qos_revocations_release(&read->list);
    return repository->ops->revocations(repository, read->now, take, &read->list);
}

void qos_read_revocations_init(struct qos_read_revocations *read)
{
    read->job.run = run_read;
}
