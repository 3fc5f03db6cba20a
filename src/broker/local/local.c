/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/local/local.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/list.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "broker/local/sweeper.h"
#include "broker/local/tables.h"
#include "broker/message.h"
#include "qos/aside.h"
#include "qos/end.h"
#include "qos/look.h"
#include "qos/put.h"
#include "qos/revocations.h"
#include "qos/sqlite.h"
#include "qos/store.h"
#include "sse/presence.h"

#define STORE_BATCH    256u
#define STORE_RETRY_MS 1000u

struct local {
    struct engine engine;
    struct loop *loop;
    struct engine_settings settings;
    struct engine_events events;
    struct qos_store *store;
    struct tables tables;
    /* What needs no store, in order; with a run: what is asked of the store behind that. */
    struct qos_job *known, **known_end;
    struct loop_task answering; /* with it */
    char *service, *file;       /* for its thread */
    struct sweeper sweeper;
    bool has_taken_back; /* what was set aside, and can be read again; the store's thread's */
    bool has_counted;    /* what is stored for users without a tenant */
    bool is_stopped;     /* what the store still hands back leads to nothing */
};

static struct local *local_of(struct engine *engine)
{
    return container_of(engine, struct local, engine);
}

/* Whatever is asked may have something to end, or may have failed. */
static void submit(struct local *local, struct qos_job *job)
{
    sweeper_soon(&local->sweeper);
    qos_store_submit(local->store, job);
}

static int run_failing(struct qos_job *job, struct qos_repository *repository)
{
    (void)job;
    (void)repository;
    return -EIO;
}

/* A test may want it to fail: in its turn, and nothing of it happens. */
static void may_fail(struct qos_job *job, const char *name)
{
    if (fault_failure(name))
        job->run = run_failing;
}

static void ask(struct engine *engine, struct qos_job *job, const char *name)
{
    may_fail(job, name);
    submit(local_of(engine), job);
}

/* ---- what was stored while users were unique within the service ---- */

static void on_plain_counted(struct qos_job *job)
{
    struct qos_count_plain *count = container_of(job, struct qos_count_plain, job);
    const struct local *local = count->job.context;

    if (job->status == 0 && count->count > 0)
        log_warn(
            "messages are stored for users without a tenant, and users.unique is tenant: nobody "
            "gets them; delete them, or let their ttl end",
            LOG_STR("service", local->service), LOG_INT("copies", count->count));
    free(count);
}

static void tell_of_plain(struct local *local)
{
    struct qos_count_plain *count = mem_zalloc(sizeof(*count));

    local->has_counted = true;
    count->job.context = local;
    qos_count_plain_init(count);
    count->job.done = on_plain_counted;
    qos_store_submit(local->store, &count->job);
}

/* ---- what time ends ---- */

static void take_swept(struct local *local, const struct qos_sweep *sweep)
{
    const bool is_done = sweep->job.status == 0;
    const struct engine_events *events = &local->events;
    struct qos_store_report report;

    events->swept(events->context, sweep->job.status, &sweep->ended);
    if (!is_done)
        sweeper_soon(&local->sweeper);
    else if (local->settings.has_tenants_keys && !local->has_counted)
        tell_of_plain(local);
    qos_store_report(local->store, &report);
    sweeper_done(&local->sweeper, &report, !is_done || sweep->is_all,
                 is_done && sweep->has_surplus);
}

static void on_swept(struct qos_job *job)
{
    struct qos_sweep *sweep = container_of(job, struct qos_sweep, job);
    struct local *local = sweep->job.context;

    if (!local->is_stopped)
        take_swept(local, sweep);
    qos_copies_release(&sweep->ended);
    free(sweep);
}

static void begin_sweep(struct sweeper *sweeper)
{
    struct local *local = container_of(sweeper, struct local, sweeper);
    struct qos_sweep *sweep = mem_zalloc(sizeof(*sweep));

    sweep->job.context = local;
    sweep->now = loop_wall_ms(local->loop);
    sweep->remember_ms = *local->settings.remember_ms;
    sweep->remembered_most = *local->settings.remembered;
    sweep->limit = sweeper->limit;
    qos_sweep_init(sweep);
    sweep->job.done = on_swept;
    may_fail(&sweep->job, "engine.sweep");
    if (sweeper->is_urgent)
        qos_store_submit_next(local->store, &sweep->job);
    else
        qos_store_submit(local->store, &sweep->job);
}

/* ---- what is known at once ---- */

static void answer_known(struct loop_task *task)
{
    struct local *local = container_of(task, struct local, answering);
    struct qos_job *job = local->known;

    local->known = NULL;
    local->known_end = &local->known;
    for (struct qos_job *next; job; job = next) {
        next = job->next;
        if (job->run && local->store) {
            submit(local, job);
            continue;
        }
        if (job->run)
            job->status = -ESHUTDOWN;
        job->done(job);
    }
}

static void answer_later(struct local *local, struct qos_job *job)
{
    job->next = NULL;
    *local->known_end = job;
    local->known_end = &job->next;
    loop_defer(local->loop, &local->answering);
}

static void on_answer(struct tables *tables, struct qos_job *job)
{
    answer_later(container_of(tables, struct local, tables), job);
}

/* As may_fail(). */
static bool has_failed(struct engine *engine, struct qos_job *job, const char *name)
{
    if (!fault_failure(name))
        return false;
    job->status = -EIO;
    answer_later(local_of(engine), job);
    return true;
}

static void attach(struct engine *engine, struct engine_attach *attach)
{
    if (!has_failed(engine, &attach->job, "engine.attach"))
        tables_attach(&local_of(engine)->tables, attach);
}

struct eviction {
    struct qos_job job;
    char handle[SSE_HANDLE_SIZE];
};

static void tell_evicted(struct qos_job *job)
{
    struct eviction *eviction = container_of(job, struct eviction, job);
    const struct local *local = job->context;

    if (!local->is_stopped)
        local->events.evicted(local->events.context, eviction->handle);
    free(eviction);
}

static void open_stream(struct engine *engine, const struct broker_opened *opened)
{
    struct local *local = local_of(engine);
    char evicted[SSE_HANDLE_SIZE];
    struct eviction *eviction;

    if (!tables_open(&local->tables, opened, evicted))
        return;
    eviction = mem_zalloc(sizeof(*eviction));
    memcpy(eviction->handle, evicted, sizeof(evicted));
    eviction->job.context = local;
    eviction->job.done = tell_evicted;
    answer_later(local, &eviction->job);
}

static void detach(struct engine *engine, const struct broker_detach *detach)
{
    tables_detach(&local_of(engine)->tables, detach);
}

static void come(struct engine *engine, const char *user_key, struct bytes *about)
{
    sse_presence_join(local_of(engine)->tables.presence, user_key, about);
}

static void go(struct engine *engine, const char *user_key, struct bytes *about,
               const struct sse_user *left)
{
    tables_go(&local_of(engine)->tables, user_key, about, left);
}

static struct sse_presence *presence(struct engine *engine)
{
    return local_of(engine)->tables.presence;
}

static void claim(struct engine *engine, struct engine_claim *claim)
{
    if (!has_failed(engine, &claim->job, "engine.claim"))
        idempotency_claim(&local_of(engine)->tables.idempotency, claim);
}

static void settle(struct engine *engine, const struct broker_outcome *outcome)
{
    idempotency_settle(&local_of(engine)->tables.idempotency, outcome);
}

static void change(struct engine *engine, const struct engine_limits *limits)
{
    tables_change(&local_of(engine)->tables, limits);
}

/* ---- what the store knows ---- */

/* Behind what was appended before. */
static void submit_in_turn(struct local *local, struct qos_job *job)
{
    if (local->known)
        answer_later(local, job);
    else
        submit(local, job);
}

static void put(struct engine *engine, struct qos_put *put)
{
    may_fail(&put->job, "engine.put");
    submit_in_turn(local_of(engine), &put->job);
}

static int run_nothing(struct qos_job *job, struct qos_repository *repository)
{
    (void)job;
    (void)repository;
    return 0;
}

/* Whether or not the store works. */
static void on_append(struct qos_job *job)
{
    struct engine_append *append = container_of(job, struct engine_append, job);

    append->done(append);
}

static void append(struct engine *engine, struct engine_append *append)
{
    append->job.done = on_append;
    append->status = fault_failure("engine.append") ? -EIO : 0;
    if (append->is_behind_puts) {
        append->job.run = run_nothing;
        append->job.is_asked = true;
        submit_in_turn(local_of(engine), &append->job);
    } else {
        answer_later(local_of(engine), &append->job);
    }
}

static void hold(struct engine *engine, bool is_held)
{
    qos_store_hold(local_of(engine)->store, is_held);
}

static void acknowledge(struct engine *engine, struct qos_acknowledge *acknowledge)
{
    ask(engine, &acknowledge->job, "engine.acknowledge");
}

static void mark(struct engine *engine, struct qos_mark *mark)
{
    ask(engine, &mark->job, "engine.mark");
}

static void delete (struct engine *engine, struct qos_delete *delete)
{
    ask(engine, &delete->job, "engine.delete");
}

static void look(struct engine *engine, struct qos_queues *queues)
{
    ask(engine, &queues->job, "engine.look");
}

static void read_queue(struct engine *engine, struct qos_read *read)
{
    ask(engine, &read->job, "engine.read");
}

static void find(struct engine *engine, struct qos_inspect *inspect)
{
    ask(engine, &inspect->job, "engine.find");
}

static void list(struct engine *engine, struct qos_list *list)
{
    ask(engine, &list->job, "engine.list");
}

static void keep(struct engine *engine, struct qos_keep_revocations *keep)
{
    ask(engine, &keep->job, "engine.keep");
}

static void restore(struct engine *engine, struct qos_read_revocations *read)
{
    ask(engine, &read->job, "engine.restore");
}

static void report(struct engine *engine, struct engine_report *report)
{
    qos_store_report(local_of(engine)->store, &report->store);
    tables_report(&local_of(engine)->tables, report);
}

static int back_up(struct engine *engine, struct qos_backup *backup)
{
    return qos_store_back_up(local_of(engine)->store, backup);
}

/* ---- its life ---- */

static void abandon_store(struct engine *engine)
{
    struct local *local = local_of(engine);

    local->is_stopped = true;
    qos_store_abandon(local->store);
}

static void local_free(struct engine *engine)
{
    struct local *local = local_of(engine);

    local->is_stopped = true;
    local->tables.tell = NULL;
    while (local->known)
        answer_known(&local->answering);
    qos_store_free(local->store);
    local->store = NULL;
    sweeper_release(&local->sweeper); /* what was done last may have started it */
    tables_release(&local->tables);
    while (local->known)
        answer_known(&local->answering);
    loop_cancel(&local->answering);
    free(local->service);
    free(local->file);
    free(local);
}

static const struct engine_ops local_ops = {
    .free = local_free,
    .abandon = abandon_store,
    .attach = attach,
    .open = open_stream,
    .detach = detach,
    .come = come,
    .go = go,
    .presence = presence,
    .claim = claim,
    .settle = settle,
    .change = change,
    .put = put,
    .append = append,
    .hold = hold,
    .acknowledge = acknowledge,
    .mark = mark,
    .delete = delete,
    .look = look,
    .read = read_queue,
    .find = find,
    .list = list,
    .keep = keep,
    .restore = restore,
    .report = report,
    .back_up = back_up,
};

/* What was set aside before this start is back in its queue before anybody can read that. */
static struct qos_repository *open_repository(void *context, int *error, char *fault,
                                              size_t fault_size)
{
    struct local *local = context;
    struct qos_repository *repository =
        qos_sqlite_new(local->settings.is_in_memory ? NULL : local->file, error, fault, fault_size);

    if (!repository || local->has_taken_back)
        return repository;
    repository->service = local->service;
    *error = qos_aside_take_back(repository);
    local->has_taken_back = *error == 0;
    if (local->has_taken_back)
        return repository;
    snprintf(fault, fault_size, "%s", *error == -EUCLEAN ? QOS_DAMAGED : strerrordesc_np(-*error));
    repository->ops->free(repository);
    return NULL;
}

/* As with a worker: there is no serving without it. */
static struct qos_store *open_store(struct local *local)
{
    const struct qos_store_settings settings = {
        .service = local->service,
        .open = open_repository,
        .context = local,
        .batch = STORE_BATCH,
        .retry_ms = STORE_RETRY_MS,
        .patience_ms = local->settings.patience_ms,
    };
    struct qos_store *store = qos_store_new(local->loop, &settings);

    if (store)
        return store;
    log_error("cannot start the thread of the store", LOG_STR("service", local->service),
              LOG_STR("reason", strerror(errno)));
    log_stop(LAST_WORDS_MS);
    abort();
}

struct engine *local_engine_new(struct loop *loop, const struct engine_settings *settings,
                                const struct engine_events *events)
{
    struct local *local = mem_zalloc(sizeof(*local));

    local->engine.ops = &local_ops;
    local->loop = loop;
    local->settings = *settings;
    local->events = *events;
    local->service = mem_strdup(settings->service);
    local->file = mem_strdup(settings->file);
    local->known_end = &local->known;
    local->answering.run = answer_known;
    tables_init(&local->tables, loop, &settings->limits, events, on_answer);
    local->store = open_store(local);
    sweeper_init(&local->sweeper, loop, begin_sweep);
    return &local->engine;
}
