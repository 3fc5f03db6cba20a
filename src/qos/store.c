/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/store.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/test_clock.h"
#include "qos/end.h"
#include "qos/keeper.h"

struct qos_store {
    struct qos_store_settings settings;
    pthread_t thread;
    struct mailbox *mailbox;      /* home */
    atomic_uint_fast64_t waiting; /* jobs submitted and not done */
    pthread_mutex_t lock;         /* guards what follows */
    pthread_cond_t arrival;
    struct qos_job *first, **end; /* not begun yet, in order */
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

/* What has come together while the last batch was under way, or comes first; NULL: nothing does any
 * more. */
static struct qos_job *wait_for_batch(struct qos_store *store)
{
    struct qos_job *batch = NULL;

    pthread_mutex_lock(&store->lock);
    while (!store->first && !store->is_ending)
        pthread_cond_wait(&store->arrival, &store->lock);
    if (store->first)
        batch = cut_batch(store);
    pthread_mutex_unlock(&store->lock);
    return batch;
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

static void *run(void *argument)
{
    struct qos_store *store = argument;
    struct qos_keeper keeper;
    struct qos_job *batch;

    qos_keeper_init(&keeper, &store->settings);
    publish(store, &keeper.report);
    while ((batch = wait_for_batch(store))) {
        run_batch(&keeper, batch);
        publish(store, &keeper.report); /* first, for done to find itself counted */
        hand_back(store, batch);
    }
    qos_keeper_release(&keeper);
    return NULL;
}

static void release(struct qos_store *store)
{
    mailbox_free(store->mailbox);
    pthread_cond_destroy(&store->arrival);
    pthread_mutex_destroy(&store->lock);
    free(store);
}

struct qos_store *qos_store_new(struct loop *loop, const struct qos_store_settings *settings)
{
    struct qos_store *store = mem_zalloc(sizeof(*store));
    int error;

    store->settings = *settings;
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

void qos_store_report(struct qos_store *store, struct qos_store_report *report)
{
    pthread_mutex_lock(&store->lock);
    *report = store->report;
    pthread_mutex_unlock(&store->lock);
    report->waiting = atomic_load_explicit(&store->waiting, memory_order_relaxed);
}
