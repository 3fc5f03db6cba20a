/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/end.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "qos/ending.h"

static int run_mark(struct qos_job *job, struct qos_repository *repository)
{
    struct qos_mark *mark = container_of(job, struct qos_mark, job);
    int status;

    if (mark->state == QOS_STORED)
        return repository->ops->note(repository, mark->number, mark->recipient, mark->written);
    status = qos_ending_find(repository, mark->number, mark->recipient, &mark->ended);
    if (status != 0)
        return status;
    mark->ended.items[0].written = mark->written;
    return qos_ending_run(repository, &mark->ended, 0, mark->state, mark->now);
}

void qos_mark_init(struct qos_mark *mark, const struct qos_recipient *recipient)
{
    mark->job.run = run_mark;
    mark->recipient = qos_recipient_copy(recipient);
}

void qos_mark_release(struct qos_mark *mark)
{
    free(mark->recipient);
    qos_copies_release(&mark->ended);
}

struct search {
    struct qos_delete *delete;
    const char *tenants; /* NULL: any */
    bool is_known;       /* to them */
};

static bool visit_of_message(void *context, const struct qos_copy *copy)
{
    struct search *search = context;

    if (!qos_copy_is_of_tenants(copy, search->tenants))
        return true;
    search->is_known = true;
    return qos_ending_visit_stored(&search->delete->ended, copy);
}

static int find_by_id(struct qos_delete *delete, struct qos_repository *repository)
{
    struct search search = {.delete = delete,
                            .tenants = delete->filter ? delete->filter->tenants : NULL};
    struct qos_message message;
    int status = repository->ops->find(repository, delete->id, &message);

    delete->is_all = true;
    if (status == 0)
        status = repository->ops->states(repository, message.number, visit_of_message, &search);
    return status == 0 && search.tenants && !search.is_known ? -ENOENT : status;
}

/* What cannot be read is deleted only where it is asked for. */
static bool visit_asked_for(void *context, const struct qos_copy *copy)
{
    struct qos_delete *delete = context;

    if ((copy->state == QOS_UNREADABLE) == delete->filter->is_aside)
        qos_copies_add(&delete->ended, copy);
    return true;
}

static int find_by_filter(struct qos_delete *delete, struct qos_repository *repository)
{
    struct qos_slice slice = {.after = delete->after, .limit = delete->limit};
    int status = qos_filter_scan(delete->filter, repository, &slice, visit_asked_for, delete);

    delete->after = slice.after;
    delete->is_all = slice.is_all;
    return status;
}

static int run_delete(struct qos_job *job, struct qos_repository *repository)
{
    struct qos_delete *delete = container_of(job, struct qos_delete, job);
    int status = delete->id ? find_by_id(delete, repository) : find_by_filter(delete, repository);

    return status == 0 ? qos_ending_run(repository, &delete->ended, 0, QOS_DELETED, delete->now)
                       : status;
}

void qos_delete_init(struct qos_delete *delete)
{
    delete->job.run = run_delete;
    delete->job.weight = delete->limit;
}

void qos_delete_release(struct qos_delete *delete)
{
    qos_copies_release(&delete->ended);
}

static int expire(struct qos_sweep *sweep, struct qos_repository *repository)
{
    int status = repository->ops->expired(repository, sweep->now, sweep->limit, qos_copies_visit,
                                          &sweep->ended);

    return status == 0 ? qos_ending_run(repository, &sweep->ended, 0, QOS_EXPIRED, sweep->now)
                       : status;
}

/* With what the expired ones have left of the limit. */
static int forget(struct qos_sweep *sweep, struct qos_repository *repository)
{
    repository->remembered.is_known = true;
    repository->remembered.before = sweep->now - sweep->remember_ms;
    repository->remembered.most = sweep->remembered_most;
    if (sweep->ended.count >= sweep->limit)
        return 0;
    return repository->ops->forget(repository, repository->remembered.before,
                                   repository->remembered.most, sweep->limit - sweep->ended.count,
                                   &sweep->forgotten);
}

static int run_sweep(struct qos_job *job, struct qos_repository *repository)
{
    struct qos_sweep *sweep = container_of(job, struct qos_sweep, job);
    int status = expire(sweep, repository);

    if (status == 0)
        status = forget(sweep, repository);
    sweep->is_all = sweep->ended.count + sweep->forgotten < sweep->limit;
    if (status == 0 && sweep->is_all)
        status = repository->ops->shrink(repository, &sweep->has_surplus);
    return status;
}

void qos_forget_surplus(struct qos_repository *repository, uint64_t ended_before)
{
    const uint64_t ended = repository->totals.ended;
    size_t forgotten;

    /* Before the first sweep nobody knows what is too many. */
    if (repository->fault == 0 && ended > ended_before && repository->remembered.is_known)
        (void)repository->ops->forget(repository, repository->remembered.before,
                                      repository->remembered.most, 2 * (ended - ended_before),
                                      &forgotten); /* what fails is the transaction's fault */
}

void qos_sweep_init(struct qos_sweep *sweep)
{
    sweep->job.run = run_sweep;
    sweep->job.weight = sweep->limit;
}

void qos_sweep_release(struct qos_sweep *sweep)
{
    qos_copies_release(&sweep->ended);
}
