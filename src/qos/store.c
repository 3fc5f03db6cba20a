/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/store.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/test_clock.h"
#include "qos/end.h"
#include "qos/gathering.h"

/* Jobs that are given back late in one turn. */
#define LATE_MOST    256u
#define FAULT_SIZE   256u
#define LONG_OPENING 1000000u /* us: worth a line in the log */
/* In times of a long opening: to check a large file is work for the disk. */
#define PAUSE 4u

/*
 * Keeps a repository open, and a transaction whole. A repository that has failed is closed, and
 * opened again when it is wanted next: at most once in retry_ms, and for no more than a fifth of
 * the time if opening takes long. One that was damaged is checked whole before it is open again.
 * Tells the log when that begins and when it is over. Of one thread.
 */
struct supervisor {
    const struct qos_store_settings *settings; /* borrowed */
    struct qos_repository *repository;         /* NULL: closed */
    int error;                                 /* why it is closed */
    uint64_t may_open_us;                      /* not before this (monotonic) */
    bool is_sound; /* it was checked, and there was no fault since but want of room or memory */
    int told;      /* the error that the log was told, and not yet that it is over; 0: none */
    struct qos_store_report report; /* all but jobs and waiting */
};

static uint64_t now_us(void)
{
    return clock_monotonic_ns() / 1000u;
}

/* A disk that stays full fails once a second: one line says it, until something changes. */
static int fail(struct supervisor *supervisor, int error, const char *reason)
{
    supervisor->error = error;
    supervisor->is_sound = supervisor->is_sound && (error == -ENOSPC || error == -ENOMEM);
    supervisor->report.faults++;
    if (supervisor->told != error)
        log_error("the store of qos messages has failed: they are refused until it works again",
                  LOG_STR("service", supervisor->settings->service), LOG_STR("reason", reason));
    supervisor->told = error;
    return error;
}

static void close_repository(struct supervisor *supervisor)
{
    if (supervisor->repository)
        supervisor->repository->ops->free(supervisor->repository);
    supervisor->repository = NULL;
    supervisor->report.is_open = false;
}

static void note_opening(struct supervisor *supervisor, uint64_t began, uint64_t ended)
{
    const struct qos_store_settings *settings = supervisor->settings;
    const uint64_t took = ended - began;

    supervisor->may_open_us = ended + settings->retry_ms * UINT64_C(1000);
    if (took < LONG_OPENING)
        return;
    supervisor->may_open_us += PAUSE * took;
    log_info("it took long to open and check the store of qos messages: they had to wait",
             LOG_STR("service", settings->service), LOG_INT("ms", (int64_t)(took / 1000)));
}

static int open_repository(struct supervisor *supervisor)
{
    const struct qos_store_settings *settings = supervisor->settings;
    const uint64_t began = now_us();
    char reason[FAULT_SIZE] = "";
    int error = supervisor->error == -EUCLEAN ? -EUCLEAN : supervisor->is_sound ? -ENOSPC : 0;

    if (supervisor->repository)
        return 0;
    if (began < supervisor->may_open_us)
        return supervisor->error;
    supervisor->repository = settings->open(settings->context, &error, reason, sizeof(reason));
    note_opening(supervisor, began, now_us());
    if (!supervisor->repository)
        return fail(supervisor, error, reason);
    supervisor->error = 0;
    supervisor->repository->service = settings->service;
    supervisor->is_sound = supervisor->repository->is_checked;
    supervisor->report.is_open = true;
    supervisor->report.totals = supervisor->repository->totals;
    return 0;
}

static int roll_back(struct supervisor *supervisor, int error)
{
    supervisor->repository->ops->rollback(supervisor->repository);
    close_repository(supervisor);
    return fail(supervisor, error, error == -EUCLEAN ? QOS_DAMAGED : strerrordesc_np(-error));
}

static int commit(struct supervisor *supervisor)
{
    const uint64_t began = now_us();
    uint64_t took;
    int error;

    fault_point("store.before-commit");
    error = supervisor->repository->ops->commit(supervisor->repository);
    took = now_us() - began;
    histogram_add_us(&supervisor->report.commits, took);
    if (took > supervisor->report.commit_us_max)
        supervisor->report.commit_us_max = took;
    return error;
}

/* Opens the repository if need be, and begins a transaction. Both return 0, or the negative errno
 * that all who are in the transaction have to be told. */
static int begin(struct supervisor *supervisor)
{
    int error = open_repository(supervisor);

    if (error != 0)
        return error;
    error = supervisor->repository->ops->begin(supervisor->repository);
    return error == 0 ? 0 : roll_back(supervisor, error);
}

static int end(struct supervisor *supervisor)
{
    int error = supervisor->repository->fault;

    if (error == 0)
        error = commit(supervisor);
    if (error != 0)
        return roll_back(supervisor, error);
    fault_point("store.committed");
    supervisor->report.transactions++;
    supervisor->report.totals = supervisor->repository->totals;
    supervisor->is_sound = supervisor->is_sound || supervisor->repository->is_checked;
    if (supervisor->told != 0)
        log_info("the store of qos messages works again",
                 LOG_STR("service", supervisor->settings->service));
    supervisor->told = 0;
    return 0;
}

/* ---- the thread ---- */

struct qos_store {
    struct qos_store_settings settings;
    struct loop *loop;
    struct loop_timer timer; /* to the end of the oldest job's time */
    pthread_t thread;
    struct mailbox *mailbox;      /* home */
    atomic_uint_fast64_t waiting; /* jobs submitted and not done */
    struct loop_task wake;        /* at the end of a turn, for all that it has submitted */
    pthread_mutex_t lock;         /* guards what follows */
    pthread_cond_t arrival;
    struct qos_job *first, **end; /* not begun yet, in order */
    size_t asked;                 /* of these, those that somebody waits for */
    struct qos_gathering gathering;
    struct qos_backup *backup; /* NULL: none is being made */
    bool is_ending;
    struct qos_store_report report; /* as of the latest transaction */
};

static size_t weight_of(const struct qos_job *job)
{
    return job->weight > 0 ? job->weight : 1;
}

/* Cuts off what one transaction may have: at least one job, however much that weighs. */
static struct qos_job *cut_batch(struct qos_store *store)
{
    struct qos_job *batch = store->first;
    struct qos_job *last = batch;
    size_t weight = weight_of(batch);

    store->asked -= batch->is_asked;
    while (last->next && weight + weight_of(last->next) <= store->settings.batch) {
        last = last->next;
        weight += weight_of(last);
        store->asked -= last->is_asked;
    }
    store->first = last->next;
    if (!store->first)
        store->end = &store->first;
    last->next = NULL;
    return batch;
}

struct work {
    struct qos_job *batch; /* what has come together while the last one was under way, or first */
    struct qos_backup *backup; /* a piece of it */
};

/* Not by the clock that tests move: it may stand still. */
static uint64_t real_us(void)
{
    return clock_real_ns() / 1000u;
}

/* Under the lock. */
static void gather(struct qos_store *store)
{
    struct qos_gathering *gathering = &store->gathering;
    uint64_t us;

    while (!store->backup && !store->is_ending &&
           (us = qos_gathering_us(gathering, real_us(), store->asked)) > 0) {
        const struct timespec until = clock_real_in(us * 1000);

        (void)pthread_cond_clockwait(&store->arrival, &store->lock, CLOCK_MONOTONIC, &until);
    }
    qos_gathering_end(gathering, store->asked);
}

/* False: there is none any more. */
static bool wait_for_work(struct qos_store *store, struct work *work)
{
    pthread_mutex_lock(&store->lock);
    gather(store);
    while (!store->first && !store->backup && !store->is_ending)
        pthread_cond_wait(&store->arrival, &store->lock);
    work->batch = store->first ? cut_batch(store) : NULL;
    work->backup = store->is_ending ? NULL : store->backup;
    pthread_mutex_unlock(&store->lock);
    return work->batch || work->backup;
}

static void run_batch(struct supervisor *supervisor, struct qos_job *batch)
{
    int error = begin(supervisor);

    if (error == 0) {
        struct qos_repository *repository = supervisor->repository;
        const uint64_t ended = repository->totals.ended;

        for (struct qos_job *job = batch; job && repository->fault == 0; job = job->next)
            job->status = job->run(job, repository);
        qos_forget_surplus(repository, ended);
        error = end(supervisor);
    }
    for (struct qos_job *job = batch; job; job = job->next) {
        if (error != 0)
            job->status = error;
        supervisor->report.jobs++;
    }
}

static void receive_item(struct mailbox_item *item, void *context)
{
    struct qos_job *job = container_of(item, struct qos_job, item);
    struct qos_store *store = context;

    atomic_fetch_sub_explicit(&store->waiting, 1, memory_order_relaxed);
    job->done(job);
}

/* Together: what their answers are is written by one turn. */
static void hand_back(struct qos_store *store, struct qos_job *batch)
{
    struct mailbox_item *newest = NULL;
    int count = 0;

    for (struct qos_job *job = batch; job; job = job->next) {
        job->item.receive = receive_item;
        job->item.next = newest;
        newest = &job->item;
        count++;
    }
    if (newest)
        mailbox_post_chain(store->mailbox, newest, &batch->item);
    test_clock_note_jobs(-count);
}

static size_t count_asked(const struct qos_job *batch)
{
    size_t count = 0;

    for (const struct qos_job *job = batch; job; job = job->next)
        count += job->is_asked;
    return count;
}

/* A transaction and its answers. */
static void transact(struct qos_store *store, struct supervisor *supervisor, struct qos_job *batch)
{
    const uint64_t began = real_us();
    uint64_t ended;

    run_batch(supervisor, batch);
    ended = real_us();
    pthread_mutex_lock(&store->lock); /* first, for done to find itself counted */
    store->report = supervisor->report;
    qos_gathering_begin(&store->gathering, ended, ended - began, count_asked(batch), store->asked,
                        store->settings.batch);
    pthread_mutex_unlock(&store->lock);
    hand_back(store, batch);
}

static void end_backup(struct qos_store *store, int status, int file)
{
    struct qos_backup *backup;

    pthread_mutex_lock(&store->lock);
    backup = store->backup;
    store->backup = NULL; /* first: who hears of the end may ask for the next one */
    pthread_mutex_unlock(&store->lock);
    if (backup)
        backup->done(backup, status, file);
}

/* One piece of it. The repository is NULL while the store is closed. */
static int copy_piece(const struct supervisor *supervisor, struct qos_backup *backup, int *file)
{
    struct qos_repository *repository = supervisor->repository;

    if (!repository)
        return supervisor->error;
    if (!repository->is_durable)
        return -EOPNOTSUPP;
    if (backup->is_wanted(backup))
        return repository->ops->copy(repository, file);
    repository->ops->leave_copy(repository);
    return -ECANCELED;
}

static void advance_backup(struct qos_store *store, const struct supervisor *supervisor,
                           struct qos_backup *backup)
{
    int file = -1;
    const int status = copy_piece(supervisor, backup, &file);

    if (status != -EAGAIN)
        end_backup(store, status, file);
}

static void *run(void *argument)
{
    struct qos_store *store = argument;
    struct supervisor supervisor = {.settings = &store->settings};
    struct work work;
    char name[16];

    snprintf(name, sizeof(name), "store-%.9s", store->settings.service);
    (void)pthread_setname_np(pthread_self(), name);
    (void)open_repository(
        &supervisor); /* for what is wrong to be in the log before somebody sends */
    pthread_mutex_lock(&store->lock);
    store->report = supervisor.report;
    pthread_mutex_unlock(&store->lock);
    while (wait_for_work(store, &work)) {
        if (work.batch)
            transact(store, &supervisor, work.batch);
        if (work.backup)
            advance_backup(store, &supervisor, work.backup);
    }
    end_backup(store, -ESHUTDOWN, -1); /* and none can follow */
    close_repository(&supervisor);
    return NULL;
}

/* ---- what has waited too long ---- */

/* Takes such jobs out. first_ms: since when the first that stays and is asked for has waited, or
 * now. Under the lock. */
static struct qos_job *cut_late(struct qos_store *store, uint64_t now, uint64_t *first_ms)
{
    struct qos_job *late = NULL, **late_end = &late, **at = &store->first;
    unsigned count = 0;

    *first_ms = now;
    while (*at) {
        struct qos_job *job = *at;

        if (job->is_asked && count < LATE_MOST &&
            now - job->since_ms >= store->settings.patience_ms) {
            *at = job->next;
            job->next = NULL;
            store->asked--;
            *late_end = job;
            late_end = &job->next;
            count++;
            continue;
        }
        if (job->is_asked && job->since_ms < *first_ms)
            *first_ms = job->since_ms;
        at = &job->next;
    }
    store->end = at;
    return late;
}

static void give_back(struct qos_store *store, struct qos_job *jobs)
{
    while (jobs) {
        struct qos_job *job = jobs;

        jobs = job->next;
        job->status = -ETIMEDOUT;
        atomic_fetch_sub_explicit(&store->waiting, 1, memory_order_relaxed);
        test_clock_note_jobs(-1);
        job->done(job);
    }
}

static void on_timer(struct loop_timer *timer)
{
    struct qos_store *store = container_of(timer, struct qos_store, timer);
    const uint64_t now = loop_served_ms(store->loop);
    struct qos_job *late;
    uint64_t first_ms;

    pthread_mutex_lock(&store->lock);
    late = cut_late(store, now, &first_ms);
    pthread_mutex_unlock(&store->lock);
    if (first_ms < now) {
        const uint64_t due = first_ms + store->settings.patience_ms;

        loop_timer_hasten(store->loop, timer, due > now ? due - now : 0);
    }
    give_back(store, late);
}

static void release(struct qos_store *store)
{
    mailbox_free(store->mailbox);
    loop_timer_stop(&store->timer); /* what was done last may have started it, */
    loop_cancel(&store->wake);      /* or this */
    pthread_cond_destroy(&store->arrival);
    pthread_mutex_destroy(&store->lock);
    free(store);
}

/* Who waits for more than have come is not woken. */
static void on_wake(struct loop_task *task)
{
    struct qos_store *store = container_of(task, struct qos_store, wake);
    bool is_due;

    pthread_mutex_lock(&store->lock);
    is_due = store->asked >= store->gathering.wanted;
    pthread_mutex_unlock(&store->lock);
    if (is_due)
        pthread_cond_signal(&store->arrival);
}

struct qos_store *qos_store_new(struct loop *loop, const struct qos_store_settings *settings)
{
    struct qos_store *store = mem_zalloc(sizeof(*store));
    int error;

    store->settings = *settings;
    store->loop = loop;
    store->timer.on_fire = on_timer;
    store->wake.run = on_wake;
    store->end = &store->first;
    store->mailbox = mailbox_new(loop, store);
    pthread_mutex_init(&store->lock, NULL);
    pthread_cond_init(&store->arrival, NULL);
    error = pthread_create(&store->thread, NULL, run, store);
    if (error != 0) {
        release(store);
        errno = error;
        return NULL;
    }
    return store;
}

void qos_store_free(struct qos_store *store)
{
    if (!store)
        return;
    pthread_mutex_lock(&store->lock);
    store->is_ending = true;
    pthread_cond_signal(&store->arrival);
    pthread_mutex_unlock(&store->lock);
    pthread_join(store->thread, NULL);
    release(store);
}

void qos_store_abandon(struct qos_store *store)
{
    struct qos_job *left;

    pthread_mutex_lock(&store->lock);
    store->is_ending = true;
    left = store->first;
    store->first = NULL;
    store->end = &store->first;
    store->asked = 0;
    pthread_cond_signal(&store->arrival);
    pthread_mutex_unlock(&store->lock);
    for (struct qos_job *job = left; job; job = job->next)
        job->status = -ESHUTDOWN;
    hand_back(store, left);
}

static void insert(struct qos_store *store, struct qos_job **at, struct qos_job *job)
{
    job->next = *at;
    *at = job;
    if (store->end == at)
        store->end = &job->next;
}

static void submit(struct qos_store *store, struct qos_job *job, bool is_next)
{
    bool is_taken;

    job->next = NULL;
    job->status = 0;
    job->since_ms = loop_served_ms(store->loop);
    if (job->is_asked && store->settings.patience_ms > 0)
        loop_timer_hasten(store->loop, &store->timer, store->settings.patience_ms);
    test_clock_note_jobs(1);
    atomic_fetch_add_explicit(&store->waiting, 1, memory_order_relaxed);
    pthread_mutex_lock(&store->lock);
    is_taken = !store->is_ending; /* else there is no thread any more that would run it */
    if (is_taken) {
        insert(store, is_next ? &store->first : store->end, job);
        store->asked += job->is_asked;
    }
    pthread_mutex_unlock(&store->lock);
    loop_defer(store->loop, &store->wake);
    if (!is_taken) {
        job->status = -ESHUTDOWN;
        hand_back(store, job);
    }
}

void qos_store_submit(struct qos_store *store, struct qos_job *job)
{
    submit(store, job, false);
}

void qos_store_submit_next(struct qos_store *store, struct qos_job *job)
{
    submit(store, job, true);
}

int qos_store_back_up(struct qos_store *store, struct qos_backup *backup)
{
    int result = 0;

    pthread_mutex_lock(&store->lock);
    if (store->is_ending)
        result = -ESHUTDOWN;
    else if (store->backup)
        result = -EBUSY;
    else
        store->backup = backup;
    pthread_cond_signal(&store->arrival);
    pthread_mutex_unlock(&store->lock);
    return result;
}

void qos_store_hold(struct qos_store *store, bool is_held)
{
    mailbox_hold(store->mailbox, is_held);
}

void qos_store_report(struct qos_store *store, struct qos_store_report *report)
{
    pthread_mutex_lock(&store->lock);
    *report = store->report;
    pthread_mutex_unlock(&store->lock);
    report->waiting = atomic_load_explicit(&store->waiting, memory_order_relaxed);
}
