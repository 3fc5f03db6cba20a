/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/store.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/loop.h"
#include "base/mem.h"
#include "base/test_clock.h"
#include "qos/backup.h"
#include "qos/end.h"
#include "qos/keeper.h"

/* Jobs that are given back late in one turn. */
#define LATE_MOST 256u

struct qos_store {
    struct qos_store_settings settings;
    struct loop *loop;
    struct loop_timer timer; /* to the end of the oldest job's time */
    pthread_t thread;
    struct mailbox *mailbox;      /* home */
    atomic_uint_fast64_t waiting; /* jobs submitted and not done */
    pthread_mutex_t lock;         /* guards what follows */
    pthread_cond_t arrival;
    struct qos_job *first, **end; /* not begun yet, in order */
    struct qos_backup *backup;    /* NULL: none is being made */
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

    while (last->next && weight + weight_of(last->next) <= store->settings.batch) {
        last = last->next;
        weight += weight_of(last);
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

/* False: there is none any more. */
static bool wait_for_work(struct qos_store *store, struct work *work)
{
    pthread_mutex_lock(&store->lock);
    while (!store->first && !store->backup && !store->is_ending)
        pthread_cond_wait(&store->arrival, &store->lock);
    work->batch = store->first ? cut_batch(store) : NULL;
    work->backup = store->is_ending ? NULL : store->backup;
    pthread_mutex_unlock(&store->lock);
    return work->batch || work->backup;
}

static void run_jobs(struct qos_repository *repository, struct qos_job *batch)
{
    const uint64_t ended = repository->totals.ended;

    for (struct qos_job *job = batch; job && repository->fault == 0; job = job->next)
        job->status = job->run(job, repository);
    qos_forget_surplus(repository, ended);
}

static void run_batch(struct qos_keeper *keeper, struct qos_job *batch)
{
    int error = qos_keeper_begin(keeper);

    if (error == 0) {
        run_jobs(keeper->repository, batch);
        error = qos_keeper_end(keeper);
    }
    for (struct qos_job *job = batch; job; job = job->next) {
        if (error != 0)
            job->status = error;
        keeper->report.jobs++;
    }
}

static void publish(struct qos_store *store, const struct qos_store_report *report)
{
    pthread_mutex_lock(&store->lock);
    store->report = *report;
    pthread_mutex_unlock(&store->lock);
}

static void open_letter(struct letter *letter, void *context)
{
    struct qos_job *job = container_of(letter, struct qos_job, letter);
    struct qos_store *store = context;

    atomic_fetch_sub_explicit(&store->waiting, 1, memory_order_relaxed);
    job->done(job);
}

static void hand_back(struct qos_store *store, struct qos_job *batch)
{
    while (batch) {
        struct qos_job *job = batch;

        batch = job->next; /* once posted, the job may be gone */
        job->letter.open = open_letter;
        mailbox_post(store->mailbox, &job->letter);
        test_clock_note_job_done();
    }
}

static void do_batch(struct qos_store *store, struct qos_keeper *keeper, struct qos_job *batch)
{
    run_batch(keeper, batch);
    publish(store, &keeper->report); /* first, for done to find itself counted */
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

static void advance_backup(struct qos_store *store, const struct qos_keeper *keeper,
                           struct qos_backup *backup)
{
    int file = -1;
    const int status = qos_backup_advance(backup, keeper->repository, keeper->error, &file);

    if (status != -EAGAIN)
        end_backup(store, status, file);
}

static void *run(void *argument)
{
    struct qos_store *store = argument;
    struct qos_keeper keeper;
    struct work work;
    char name[16];

    snprintf(name, sizeof(name), "store-%.9s", store->settings.service);
    (void)pthread_setname_np(pthread_self(), name);
    qos_keeper_init(&keeper, &store->settings);
    publish(store, &keeper.report);
    while (wait_for_work(store, &work)) {
        if (work.batch)
            do_batch(store, &keeper, work.batch);
        if (work.backup)
            advance_backup(store, &keeper, work.backup);
    }
    end_backup(store, -ESHUTDOWN, -1); /* and none can follow */
    qos_keeper_release(&keeper);
    return NULL;
}

/* ---- what has waited too long ---- */

static bool is_late(const struct qos_store *store, const struct qos_job *job, uint64_t now)
{
    return now - job->since_ms >= store->settings.patience_ms;
}

/* Takes such jobs out. first_ms: since when the first that stays and is asked for has waited, or
 * now. Under the lock. */
static struct qos_job *cut_late(struct qos_store *store, uint64_t now, uint64_t *first_ms)
{
    struct qos_job *late = NULL, **late_end = &late, **at = &store->first;
    unsigned count = 0;

    *first_ms = now;
    while (*at) {
        struct qos_job *job = *at;

        if (job->is_asked && count < LATE_MOST && is_late(store, job, now)) {
            *at = job->next;
            job->next = NULL;
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
        test_clock_note_job_done();
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

static void start_waiting(struct qos_store *store, struct qos_job *job)
{
    job->since_ms = loop_served_ms(store->loop);
    if (job->is_asked && store->settings.patience_ms > 0)
        loop_timer_hasten(store->loop, &store->timer, store->settings.patience_ms);
}

static void release(struct qos_store *store)
{
    mailbox_free(store->mailbox);
    loop_timer_stop(&store->timer); /* what was done last may have started it */
    pthread_cond_destroy(&store->arrival);
    pthread_mutex_destroy(&store->lock);
    free(store);
}

struct qos_store *qos_store_new(struct loop *loop, const struct qos_store_settings *settings)
{
    struct qos_store *store = mem_zalloc(sizeof(*store));
    int error;

    store->settings = *settings;
    store->loop = loop;
    store->timer.on_fire = on_timer;
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
    pthread_cond_signal(&store->arrival);
}

static void submit(struct qos_store *store, struct qos_job *job, bool is_next)
{
    bool is_taken;

    job->next = NULL;
    job->status = 0;
    start_waiting(store, job);
    test_clock_note_job();
    atomic_fetch_add_explicit(&store->waiting, 1, memory_order_relaxed);
    pthread_mutex_lock(&store->lock);
    is_taken = !store->is_ending; /* else there is no thread any more that would run it */
    if (is_taken)
        insert(store, is_next ? &store->first : store->end, job);
    pthread_mutex_unlock(&store->lock);
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
