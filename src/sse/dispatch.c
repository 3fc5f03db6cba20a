/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/dispatch.h"

#include <stdlib.h>

#include "base/loop.h"
#include "base/mem.h"
#include "base/slice.h"
#include "sse/backlog.h"
#include "sse/ended.h"
#include "sse/event.h"
#include "sse/registry.h"
#include "sse/service.h"
#include "sse/user.h"

/* More would fill the queues of clients that read fast enough: the flush has its turn in between.
 */
#define JOBS_PER_TURN   64u
#define STEPS_PER_CHECK 64u /* members between two looks at the clock */
#define PREFETCH_AHEAD  6u

/* Marks are even; the odd one behind a job's is borne by a connection that got what the job had. */
#define MARK_STEP 2u
#define GOT       1u

struct sse_dispatch {
    struct sse_service *service;
    struct loop_hook hook;
    struct list jobs;
    uint64_t last_mark;
    struct slice slice; /* this turn's; paused but in run() */
    unsigned left_jobs; /* of it */
    bool is_running;    /* a job that is submitted meanwhile waits */
};

static void close_it(const struct sse_dispatch *dispatch, const struct sse_dispatch_job *job,
                     struct sse_connection *connection)
{
    dispatch->service->traceparent = job->traceparent;
    sse_connection_close(connection, job->reason, job->text, job->reconnect_ms);
    dispatch->service->traceparent = NULL;
}

/* False when it gets nothing. */
static bool reach(const struct sse_dispatch *dispatch, struct sse_dispatch_job *job,
                  struct sse_connection *connection)
{
    if (job->is_drain) {
        sse_connection_drain(connection);
        return true;
    }
    if (job->is_visit)
        return true;
    if (!job->event) {
        close_it(dispatch, job, connection);
        return true;
    }
    if (job->event->is_kept && connection->barrier_mark >= job->mark)
        return false;
    if (job->position > 0 && connection->backlog &&
        sse_backlog_catches_up(connection->backlog, job->mark))
        return true;
    return sse_connection_push(connection, job->event);
}

/* Once per job. The sink may have freed the connection when this returns. */
static bool reach_first(const struct sse_dispatch *dispatch, struct sse_dispatch_job *job,
                        struct sse_connection *connection)
{
    const struct sse_registry *registry = dispatch->service->registry;
    const uint64_t changes = sse_registry_changes(registry);

    connection->dispatch_mark = job->mark + GOT;
    job->last = connection;
    job->last_changes = changes;
    if (job->on_visit)
        job->on_visit(job, connection);
    if (reach(dispatch, job, connection)) {
        job->count++;
        return true;
    }
    job->missed++;
    if (job->on_visit)
        job->on_visit(job, NULL);
    /* Else it has ended, and nobody comes by again. */
    if (changes == sse_registry_changes(registry))
        connection->dispatch_mark = job->mark;
    return false;
}

/* Marks grow with each job: a greater one belongs to a connection younger than this job. */
static void deliver(const struct sse_dispatch *dispatch, struct sse_dispatch_job *job,
                    struct sse_connection *connection)
{
    const bool acknowledges = connection->acknowledges; /* it may be gone when it has got it */
    bool has_got = connection->dispatch_mark == job->mark + GOT;

    if (connection->dispatch_mark < job->mark)
        has_got = reach_first(dispatch, job, connection);
    if (!has_got || !job->reached)
        return;
    job->reached[job->value_index]++;
    if (acknowledges && job->acknowledging)
        job->acknowledging[job->value_index]++;
}

/* What a walk goes over, the second group that a member must be in, and the key that its user must
 * have (NULL: any). */
struct scan {
    const struct sse_group *walked;
    const struct sse_group *filter;
    const char *user;
};

/* A key with a tenant, whose group may have those of others, too. */
static const char *user_of(const struct sse_dispatch_job *job)
{
    const struct sse_target *target = job->target;
    const char *value = target->dimension == SSE_BY_USER ? target->values[job->value_index] : NULL;

    return value && sse_user_key_has_tenant(value) ? value : NULL;
}

/* Looks the groups up: at the start of a turn, and after each change of the registry. False when
 * nobody is left. */
static bool find_scan(const struct sse_registry *registry, struct sse_dispatch_job *job,
                      struct scan *scan)
{
    const struct sse_target *target = job->target;
    const char *listening = target->listening;
    const struct sse_group *listeners = NULL, *group; /* group: of the current value */

    group = target->dimension == SSE_ALL
                ? sse_registry_all(registry)
                : sse_registry_group(registry, (enum sse_group_kind)target->dimension,
                                     target->values[job->value_index]);
    if (group && !job->is_inside)
        job->named += group->count;
    if (listening)
        listeners = sse_registry_group(registry, SSE_GROUP_LISTENER, listening);
    if (!group || (listening && !listeners))
        return false;
    if (!job->is_inside) {
        /* A walk keeps to its group once it has begun: positions mean nothing on the other one. */
        job->walks_listeners =
            listeners && (target->dimension == SSE_ALL || listeners->count < group->count);
        job->member_index = SIZE_MAX;
        job->is_inside = true;
    }
    scan->walked = group;
    scan->filter = listeners;
    scan->user = user_of(job);
    if (listeners && job->walks_listeners) {
        scan->walked = listeners;
        scan->filter = target->dimension == SSE_ALL ? NULL : group;
    }
    if (job->member_index > scan->walked->count)
        job->member_index = scan->walked->count;
    return true;
}

static void prefetch(const struct sse_group *walked, size_t index)
{
    if (index >= PREFETCH_AHEAD) {
        const char *ahead = (const char *)walked->members[index - PREFETCH_AHEAD];

        __builtin_prefetch(ahead, 1);
        __builtin_prefetch(ahead + 64, 1);
    }
    if (index >= PREFETCH_AHEAD / 2)
        __builtin_prefetch(walked->members[index - PREFETCH_AHEAD / 2]->sink_context);
}

static bool is_meant(const struct scan *scan, const struct sse_connection *connection)
{
    return (!scan->filter || sse_registry_is_member(connection, scan->filter)) &&
           (!scan->user || sse_user_is(connection->user, scan->user));
}

/* From the end of the group to its start; registry.h says why. False when the time is up. */
static bool walk(struct sse_dispatch *dispatch, struct sse_dispatch_job *job)
{
    const struct sse_registry *registry = dispatch->service->registry;
    uint64_t changes = sse_registry_changes(registry);
    struct scan scan;
    bool is_somebody = find_scan(registry, job, &scan);

    while (is_somebody && job->member_index > 0) {
        struct sse_connection *connection;

        if (!slice_spend(&dispatch->slice))
            return false;
        job->member_index--;
        connection = scan.walked->members[job->member_index];
        prefetch(scan.walked, job->member_index);
        if (is_meant(&scan, connection))
            deliver(dispatch, job, connection);
        if (changes != sse_registry_changes(registry)) {
            changes = sse_registry_changes(registry);
            is_somebody = find_scan(registry, job, &scan);
        }
    }
    job->is_inside = false;
    return true;
}

static void visit_connection(const struct sse_dispatch *dispatch, struct sse_dispatch_job *job)
{
    const struct sse_target *target = job->target;
    struct sse_connection *connection =
        sse_registry_find(dispatch->service->registry, target->values[job->value_index]);

    job->named += connection != NULL;
    if (connection && (!target->listening ||
                       sse_connection_has_name(connection, SSE_GROUP_LISTENER, target->listening)))
        deliver(dispatch, job, connection);
}

/* False when the time is up before the job is finished. */
static bool work(struct sse_dispatch *dispatch, struct sse_dispatch_job *job)
{
    const size_t values = sse_target_size(job->target);

    for (; job->value_index < values; job->value_index++) {
        if (!slice_spend(&dispatch->slice))
            return false;
        if (job->target->dimension == SSE_BY_CONNECTION)
            visit_connection(dispatch, job);
        else if (!walk(dispatch, job))
            return false;
    }
    return true;
}

static struct sse_dispatch_job *first_job(const struct sse_dispatch *dispatch)
{
    return container_of(dispatch->jobs.next, struct sse_dispatch_job, node);
}

static void finish(struct sse_dispatch_job *job)
{
    list_remove(&job->node);
    if (job->on_done)
        job->on_done(job);
}

static bool is_kick(const struct sse_dispatch_job *job)
{
    return !job->event && !job->is_visit && !job->is_drain && job->reason == SSE_CLOSE_KICKED &&
           job->reconnect_ms <= 0;
}

/* Works on the jobs in their order while the slice lasts. */
static void run(struct sse_dispatch *dispatch)
{
    struct slice *slice = &dispatch->slice;
    bool is_done = true;

    slice_resume(slice);
    dispatch->is_running = true;
    while (is_done && !list_is_empty(&dispatch->jobs)) {
        struct sse_dispatch_job *job = first_job(dispatch);

        is_done = work(dispatch, job);
        if (is_done) {
            if (is_kick(job))
                job->count += sse_ended_send_away(dispatch->service->ended, job->target, job->text);
            dispatch->left_jobs--;
            finish(job);
        }
        is_done = is_done && dispatch->left_jobs > 0 &&
                  (list_is_empty(&dispatch->jobs) || slice_spend_many(slice, STEPS_PER_CHECK));
    }
    dispatch->is_running = false;
    slice_pause(slice);
    if (!list_is_empty(&dispatch->jobs))
        loop_wake(dispatch->service->loop, LOOP_WORK);
}

static void begin_slice(struct sse_dispatch *dispatch)
{
    dispatch->slice = slice_from(0, SLICE_NS, UINT32_MAX, STEPS_PER_CHECK);
    dispatch->left_jobs = JOBS_PER_TURN;
}

/* Once per turn: what is left of the jobs, and a fresh slice for the next turn's. */
static bool on_turn(struct loop_hook *hook)
{
    struct sse_dispatch *dispatch = container_of(hook, struct sse_dispatch, hook);

    begin_slice(dispatch);
    if (list_is_empty(&dispatch->jobs))
        return false;
    run(dispatch);
    begin_slice(dispatch);
    return !list_is_empty(&dispatch->jobs);
}

struct sse_dispatch *sse_dispatch_new(struct sse_service *service)
{
    struct sse_dispatch *dispatch = mem_zalloc(sizeof(*dispatch));

    dispatch->service = service;
    begin_slice(dispatch);
    dispatch->hook.run = on_turn;
    list_init(&dispatch->jobs);
    loop_hook_add(service->loop, LOOP_WORK, &dispatch->hook);
    return dispatch;
}

void sse_dispatch_free(struct sse_dispatch *dispatch)
{
    if (!dispatch)
        return;
    dispatch->is_running = true; /* what on_done submits is done as well, with nobody reached */
    while (!list_is_empty(&dispatch->jobs))
        finish(first_job(dispatch));
    loop_hook_remove(&dispatch->hook);
    free(dispatch);
}

void sse_dispatch_submit(struct sse_dispatch *dispatch, struct sse_dispatch_job *job)
{
    const bool is_first = list_is_empty(&dispatch->jobs);

    job->count = job->missed = job->named = 0;
    job->last = NULL;
    job->value_index = 0;
    job->is_inside = false;
    dispatch->last_mark += MARK_STEP;
    job->mark = dispatch->last_mark;
    job->node = (struct list){0};
    if (job->position > dispatch->service->position)
        dispatch->service->position = job->position;
    if (job->event)
        dispatch->service->counters.messages++;
    list_append(&dispatch->jobs, &job->node);
    if (is_first && !dispatch->is_running && !slice_is_over(&dispatch->slice) &&
        dispatch->left_jobs > 0)
        run(dispatch);
    else
        loop_wake(dispatch->service->loop, LOOP_WORK);
}

bool sse_dispatch_has_reached(const struct sse_dispatch_job *job,
                              const struct sse_connection *connection)
{
    return connection->dispatch_mark == job->mark + GOT;
}

const struct sse_connection *sse_dispatch_last(const struct sse_dispatch_job *job,
                                               const struct sse_registry *registry)
{
    return job->last && job->last_changes == sse_registry_changes(registry) ? job->last : NULL;
}

uint64_t sse_dispatch_mark(const struct sse_dispatch *dispatch)
{
    return dispatch->last_mark;
}

uint64_t sse_dispatch_oldest(const struct sse_dispatch *dispatch)
{
    return list_is_empty(&dispatch->jobs) ? UINT64_MAX : first_job(dispatch)->mark;
}

uint64_t sse_dispatch_position(const struct sse_dispatch *dispatch)
{
    list_for_each(node, &dispatch->jobs) {
        const struct sse_dispatch_job *job = container_of(node, struct sse_dispatch_job, node);

        if (job->position > 0)
            return job->position - 1;
    }
    return dispatch->service->position;
}
