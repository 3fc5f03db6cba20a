/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_SLOW_ENGINE_H
#define SUPPORT_SLOW_ENGINE_H
/*
 * An engine without a thread: the real tables and jobs, and an SQLite repository in memory, but it
 * works, and hands back, only when a test lets it, and fails when a test says so, before a
 * transaction or in it. Include it in one source file of a test program, which has one engine at a
 * time.
 */
#include <errno.h>

#include "base/mem.h"
#include "broker/engine.h"
#include "broker/local/tables.h"
#include "broker/service.h"
#include "qos/end.h"
#include "qos/look.h"
#include "qos/put.h"
#include "qos/revocations.h"
#include "qos/sqlite.h"
#include "sse/presence.h"
#include "support/test.h"

struct slow_jobs {
    struct qos_job *first, **end;
};

struct slow_engine {
    struct engine engine;
    struct engine_events events;
    struct loop *loop;
    struct qos_repository *repository;
    struct tables tables;
    struct slow_jobs waiting, done;
    bool is_held;
    bool is_open; /* the last transaction has succeeded */
    int (*put_run)(struct qos_job *job, struct qos_repository *repository);
    void (*on_put)(void *context, const struct qos_put *put); /* it is committed */
    void *context;
};

static struct slow_engine slow_engine; /* that was made last */

static void slow_append(struct slow_jobs *jobs, struct qos_job *job)
{
    job->next = NULL;
    *jobs->end = job;
    jobs->end = &job->next;
}

static struct qos_job *slow_take(struct slow_jobs *jobs)
{
    struct qos_job *job = jobs->first;

    if (!job)
        return NULL;
    jobs->first = job->next;
    if (!jobs->first)
        jobs->end = &jobs->first;
    return job;
}

/* ---- operations ---- */

static void slow_ask(struct engine *engine, struct qos_job *job)
{
    assert_ptr_equal(engine, &slow_engine.engine);
    slow_append(&slow_engine.waiting, job);
}

static int slow_run_nothing(struct qos_job *job, struct qos_repository *repository)
{
    (void)job;
    (void)repository;
    return 0;
}

static void slow_on_append(struct qos_job *job)
{
    struct engine_append *append = container_of(job, struct engine_append, job);

    append->status = job->status;
    append->done(append);
}

static void slow_append_round(struct engine *engine, struct engine_append *append)
{
    append->job.run = slow_run_nothing;
    append->job.done = slow_on_append;
    slow_ask(engine, &append->job);
}

static void slow_hold(struct engine *engine, bool is_held)
{
    (void)engine;
    slow_engine.is_held = is_held;
}

#define SLOW_OP(name, type)                                                                        \
    static void slow_##name(struct engine *engine, struct type *question)                          \
    {                                                                                              \
        slow_ask(engine, &question->job);                                                          \
    }

static void slow_put(struct engine *engine, struct qos_put *put)
{
    slow_engine.put_run = put->job.run;
    slow_ask(engine, &put->job);
}

/* The tables are asked when the transaction has succeeded. */
static int slow_run_attach(struct qos_job *job, struct qos_repository *repository)
{
    (void)job;
    (void)repository;
    return 0;
}

static int slow_run_claim(struct qos_job *job, struct qos_repository *repository)
{
    (void)job;
    (void)repository;
    return 0;
}

static void slow_attach(struct engine *engine, struct engine_attach *attach)
{
    attach->job.run = slow_run_attach;
    slow_ask(engine, &attach->job);
}

static void slow_claim(struct engine *engine, struct engine_claim *claim)
{
    claim->job.run = slow_run_claim;
    slow_ask(engine, &claim->job);
}

static void slow_answer_later(struct tables *tables, struct qos_job *job)
{
    (void)tables;
    slow_append(&slow_engine.done, job);
}

struct slow_eviction {
    struct qos_job job;
    char handle[SSE_HANDLE_SIZE];
};

static void slow_tell_evicted(struct qos_job *job)
{
    struct slow_eviction *eviction = container_of(job, struct slow_eviction, job);

    slow_engine.events.evicted(slow_engine.events.context, eviction->handle);
    free(eviction);
}

static void slow_open(struct engine *engine, const struct broker_opened *opened)
{
    struct slow_eviction *eviction = mem_zalloc(sizeof(*eviction));

    (void)engine;
    eviction->job.done = slow_tell_evicted;
    if (tables_open(&slow_engine.tables, opened, eviction->handle))
        slow_append(&slow_engine.done, &eviction->job);
    else
        free(eviction);
}

static void slow_detach(struct engine *engine, const struct broker_detach *detach)
{
    (void)engine;
    tables_detach(&slow_engine.tables, detach);
}

static void slow_come(struct engine *engine, const char *user_key, struct bytes *about)
{
    (void)engine;
    sse_presence_join(slow_engine.tables.presence, user_key, about);
}

static void slow_go(struct engine *engine, const char *user_key, struct bytes *about,
                    const struct sse_user *left)
{
    (void)engine;
    tables_go(&slow_engine.tables, user_key, about, left);
}

static struct sse_presence *slow_presence(struct engine *engine)
{
    (void)engine;
    return slow_engine.tables.presence;
}

static void slow_settle(struct engine *engine, const struct broker_outcome *outcome)
{
    (void)engine;
    idempotency_settle(&slow_engine.tables.idempotency, outcome);
}

static void slow_change(struct engine *engine, const struct engine_limits *limits)
{
    (void)engine;
    tables_change(&slow_engine.tables, limits);
}

SLOW_OP(acknowledge, qos_acknowledge)
SLOW_OP(mark, qos_mark)
SLOW_OP(delete, qos_delete)
SLOW_OP(look, qos_queues)
SLOW_OP(read, qos_read)
SLOW_OP(find, qos_inspect)
SLOW_OP(list, qos_list)
SLOW_OP(keep, qos_keep_revocations)
SLOW_OP(restore, qos_read_revocations)

static void slow_report(struct engine *engine, struct engine_report *report)
{
    (void)engine;
    report->store = (struct qos_store_report){.is_open = slow_engine.is_open,
                                              .totals = slow_engine.repository->totals};
    tables_report(&slow_engine.tables, report);
}

static void slow_free(struct engine *engine)
{
    (void)engine;
    assert_null(slow_engine.waiting.first);
    assert_null(slow_engine.done.first);
    tables_release(&slow_engine.tables);
    slow_engine.repository->ops->free(slow_engine.repository);
}

static const struct engine_ops slow_ops = {
    .free = slow_free,
    .attach = slow_attach,
    .open = slow_open,
    .detach = slow_detach,
    .come = slow_come,
    .go = slow_go,
    .presence = slow_presence,
    .claim = slow_claim,
    .settle = slow_settle,
    .change = slow_change,
    .put = slow_put,
    .append = slow_append_round,
    .hold = slow_hold,
    .acknowledge = slow_acknowledge,
    .mark = slow_mark,
    .delete = slow_delete,
    .look = slow_look,
    .read = slow_read,
    .find = slow_find,
    .list = slow_list,
    .keep = slow_keep,
    .restore = slow_restore,
    .report = slow_report,
};

/* An engine_maker. */
static struct engine *slow_engine_new(struct loop *loop, const struct engine_settings *settings,
                                      const struct engine_events *events)
{
    char fault[200] = "";
    int error = 0;

    slow_engine = (struct slow_engine){
        .engine = {&slow_ops}, .events = *events, .loop = loop, .is_open = true};
    slow_engine.waiting.end = &slow_engine.waiting.first;
    slow_engine.done.end = &slow_engine.done.first;
    slow_engine.repository = qos_sqlite_new(NULL, &error, fault, sizeof(fault));
    assert_non_null(slow_engine.repository);
    tables_init(&slow_engine.tables, loop, &settings->limits, events, slow_answer_later);
    return &slow_engine.engine;
}

/* Of a service without stored messages. */
static inline void slow_engine_open(struct broker_service *service)
{
    broker_service_open_engine(service, slow_engine_new, &(struct engine_settings){.service = "hr"},
                               &(struct engine_events){.swept = NULL});
}

/* ---- what the test lets it do ---- */

enum slow_way { SLOW_WORKS, SLOW_IS_CLOSED, SLOW_FAILS };

static int slow_transact(struct slow_jobs *batch, enum slow_way way)
{
    struct qos_repository *repository = slow_engine.repository;

    if (way == SLOW_IS_CLOSED)
        return -EIO;
    assert_int_equal(repository->ops->begin(repository), 0);
    for (struct qos_job *job = batch->first; job; job = job->next)
        job->status = job->run(job, repository);
    assert_int_equal(repository->fault, 0);
    if (way == SLOW_WORKS)
        return repository->ops->commit(repository);
    repository->fault = -EIO;
    repository->ops->rollback(repository);
    return -EIO;
}

static void slow_tell_put(const struct qos_job *job)
{
    if (job->status == 0 && job->run == slow_engine.put_run)
        slow_engine.on_put(slow_engine.context, container_of(job, struct qos_put, job));
}

static void slow_hand_back(struct qos_job *job)
{
    slow_tell_put(job);
    if (job->status == 0 && job->run == slow_run_attach)
        tables_attach(&slow_engine.tables, container_of(job, struct engine_attach, job));
    else if (job->status == 0 && job->run == slow_run_claim)
        idempotency_claim(&slow_engine.tables.idempotency,
                          container_of(job, struct engine_claim, job));
    else
        slow_append(&slow_engine.done, job);
}

/* A transaction of so many of the questions that wait. */
static void slow_engine_work(size_t count, enum slow_way way)
{
    struct slow_jobs batch = {NULL, &batch.first};
    struct qos_job *job;
    int error;

    while (count-- > 0 && (job = slow_take(&slow_engine.waiting)))
        slow_append(&batch, job);
    if (!batch.first)
        return;
    error = slow_transact(&batch, way);
    slow_engine.is_open = error == 0;
    while ((job = slow_take(&batch))) {
        if (error != 0)
            job->status = error;
        slow_hand_back(job);
    }
}

/* One answer. False: there is none, or it is held. */
static bool slow_engine_answer(void)
{
    struct qos_job *job = slow_engine.is_held ? NULL : slow_take(&slow_engine.done);

    if (job)
        job->done(job);
    return job != NULL;
}

/* All that waits, and its answers. False: there was nothing. */
static inline bool slow_engine_settle(void)
{
    bool is_any = slow_engine.waiting.first != NULL;

    slow_engine_work(SIZE_MAX, SLOW_WORKS);
    while (slow_engine_answer())
        is_any = true;
    return is_any;
}

/* Nothing ends by the clock here. */
static inline void slow_engine_sweep(void)
{
    const struct qos_copies nothing = {.count = 0};

    slow_engine.events.swept(slow_engine.events.context, slow_engine.is_open ? 0 : -EIO, &nothing);
}

#endif
