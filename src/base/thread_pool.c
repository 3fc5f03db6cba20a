/* SPDX-License-Identifier: Apache-2.0 */
#include "base/thread_pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/test_clock.h"

#define STACK_BYTES ((size_t)1024 * 1024)

struct thread_pool {
    const char *name;
    pthread_mutex_t lock;
    pthread_cond_t arrival; /* of a job, or of the end */
    pthread_cond_t leaving; /* of a thread */
    struct list waiting;
    size_t waiting_count, most_waiting;
    size_t idle, running, started, most;
    bool is_ending;
    pthread_t threads[];
};

struct pool_client {
    pthread_mutex_t lock; /* guards the mailbox against its end */
    pthread_cond_t arrival;
    struct mailbox *mailbox; /* NULL: nobody waits for jobs any more */
    size_t under_way;        /* of the loop's thread */
    size_t posted;           /* jobs, since the mailbox was drained */
};

/* ---- in the threads ---- */

static struct pool_job *take_job(struct thread_pool *pool)
{
    struct list *node = NULL;

    pthread_mutex_lock(&pool->lock);
    pool->idle++;
    while (!(node = list_take_first(&pool->waiting)) && !pool->is_ending)
        pthread_cond_wait(&pool->arrival, &pool->lock);
    pool->idle--;
    if (node)
        pool->waiting_count--;
    pthread_mutex_unlock(&pool->lock);
    return node ? container_of(node, struct pool_job, node) : NULL;
}

static void hand_back(struct pool_client *client, struct pool_job *job)
{
    pthread_mutex_lock(&client->lock);
    if (client->mailbox) {
        client->posted++;
        mailbox_post(client->mailbox, &job->item);
        pthread_cond_signal(&client->arrival);
    }
    pthread_mutex_unlock(&client->lock);
    test_clock_note_jobs(-1);
}

static void *run(void *argument)
{
    struct thread_pool *pool = argument;
    struct pool_job *job;

    (void)pthread_setname_np(pthread_self(), pool->name);
    while ((job = take_job(pool))) {
        struct pool_client *client = job->client;

        job->run(job);
        hand_back(client, job);
    }
    pthread_mutex_lock(&pool->lock);
    pool->running--;
    pthread_cond_signal(&pool->leaving);
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* ---- the pool ---- */

struct thread_pool *thread_pool_new(const char *name, size_t threads, size_t most_waiting)
{
    struct thread_pool *pool = mem_zalloc(sizeof(*pool) + threads * sizeof(pool->threads[0]));

    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->arrival, NULL);
    pthread_cond_init(&pool->leaving, NULL);
    list_init(&pool->waiting);
    pool->name = name;
    pool->most = threads;
    pool->most_waiting = most_waiting;
    return pool;
}

bool thread_pool_free(struct thread_pool *pool, uint32_t most_ms)
{
    const struct timespec until = clock_real_in(most_ms * CLOCK_NS_PER_MS);
    int rc = 0;

    if (!pool)
        return true;
    pthread_mutex_lock(&pool->lock);
    pool->is_ending = true;
    pthread_cond_broadcast(&pool->arrival);
    while (pool->running > 0 && rc == 0)
        rc = pthread_cond_clockwait(&pool->leaving, &pool->lock, CLOCK_MONOTONIC, &until);
    pthread_mutex_unlock(&pool->lock);
    if (rc != 0)
        return false;
    for (size_t i = 0; i < pool->started; i++)
        (void)pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->leaving);
    pthread_cond_destroy(&pool->arrival);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
    return true;
}

bool thread_pool_is_full(struct thread_pool *pool)
{
    bool is_full;

    pthread_mutex_lock(&pool->lock);
    is_full = pool->waiting_count >= pool->most_waiting;
    pthread_mutex_unlock(&pool->lock);
    return is_full;
}

int thread_start(pthread_t *thread, void *(*body)(void *context), void *context)
{
    pthread_attr_t attributes;
    int error;

    (void)pthread_attr_init(&attributes);
    (void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
    error = pthread_create(thread, &attributes, body, context);
    (void)pthread_attr_destroy(&attributes);
    return error;
}

/* One more, when all that there are have work. Under the lock. */
static int want_thread(struct thread_pool *pool)
{
    int error;

    if (pool->idle > pool->waiting_count || pool->started == pool->most)
        return 0;
    error = thread_start(&pool->threads[pool->started], run, pool);
    if (error != 0)
        return pool->started > 0 ? 0 : -error;
    pool->started++;
    pool->running++;
    return 0;
}

static void receive_item(struct mailbox_item *item, void *context)
{
    struct pool_job *job = container_of(item, struct pool_job, item);
    struct pool_client *client = context;

    client->under_way--;
    job->done(job);
}

int thread_pool_submit(struct thread_pool *pool, struct pool_client *client, struct pool_job *job)
{
    int rc;

    job->item.receive = receive_item;
    job->client = client;
    job->pool = pool;
    pthread_mutex_lock(&pool->lock);
    rc = want_thread(pool);
    if (rc == 0) {
        list_append(&pool->waiting, &job->node);
        pool->waiting_count++;
        pthread_cond_signal(&pool->arrival);
        client->under_way++;
        test_clock_note_jobs(1);
    }
    pthread_mutex_unlock(&pool->lock);
    return rc;
}

bool thread_pool_cancel(struct pool_job *job)
{
    struct thread_pool *pool = job->pool;
    bool is_waiting;

    pthread_mutex_lock(&pool->lock);
    is_waiting = list_is_linked(&job->node);
    if (is_waiting) {
        list_remove(&job->node);
        pool->waiting_count--;
        job->client->under_way--;
        test_clock_note_jobs(-1);
    }
    pthread_mutex_unlock(&pool->lock);
    return is_waiting;
}

/* ---- the client ---- */

struct pool_client *pool_client_new(struct loop *loop)
{
    struct pool_client *client = mem_zalloc(sizeof(*client));

    pthread_mutex_init(&client->lock, NULL);
    pthread_cond_init(&client->arrival, NULL);
    client->mailbox = mailbox_new(loop, client);
    return client;
}

/* False when nothing has come by then. */
static bool wait_for_job(struct pool_client *client, const struct timespec *until)
{
    int rc = 0;

    pthread_mutex_lock(&client->lock);
    while (client->posted == 0 && rc == 0)
        rc = pthread_cond_clockwait(&client->arrival, &client->lock, CLOCK_MONOTONIC, until);
    client->posted = 0;
    pthread_mutex_unlock(&client->lock);
    return rc == 0;
}

bool pool_client_free(struct pool_client *client, uint32_t most_ms)
{
    const struct timespec until = clock_real_in(most_ms * CLOCK_NS_PER_MS);
    struct mailbox *mailbox = client->mailbox;

    mailbox_drain(mailbox);
    while (client->under_way > 0 && wait_for_job(client, &until))
        mailbox_drain(mailbox);
    pthread_mutex_lock(&client->lock);
    client->mailbox = NULL;
    pthread_mutex_unlock(&client->lock);
    mailbox_free(mailbox);
    if (client->under_way > 0)
        return false;
    pthread_cond_destroy(&client->arrival);
    pthread_mutex_destroy(&client->lock);
    free(client);
    return true;
}

/* ---- ordered jobs ---- */

/* Exists while somebody is in it. */
struct ordered_queue {
    struct table_node node;
    uint64_t session;
    struct list jobs;
    struct loop_task task; /* gives the first one its turn */
    struct ordered_jobs *all;
};

void ordered_jobs_init(struct ordered_jobs *all, struct loop *loop, struct thread_pool *pool)
{
    *all = (struct ordered_jobs){.loop = loop, .pool = pool, .client = pool_client_new(loop)};
    table_init(&all->queues, TABLE_BY_VALUE(struct ordered_queue, node, session));
}

bool ordered_jobs_release(struct ordered_jobs *all, uint32_t most_ms)
{
    const bool is_freed = pool_client_free(all->client, most_ms);

    table_release(&all->queues); /* jobs that came back were in them */
    return is_freed;
}

static struct ordered_job *first_of(const struct ordered_queue *queue)
{
    return container_of(queue->jobs.next, struct ordered_job, node);
}

/* One in a pass of the loop's tasks, which bounds what a turn of the loop does of them. */
static void run_first(struct loop_task *task)
{
    struct ordered_queue *queue = container_of(task, struct ordered_queue, task);
    struct ordered_job *first = first_of(queue);

    list_remove(&first->node);
    if (list_is_empty(&queue->jobs)) {
        table_remove(&queue->all->queues, &queue->node);
        free(queue);
    } else if (first_of(queue)->is_ready) {
        loop_defer(queue->all->loop, task);
    }
    first->turn(first);
}

static struct ordered_queue *add_queue(struct ordered_jobs *all, uint64_t session)
{
    struct ordered_queue *queue = table_new_item(&all->queues, &session);

    list_init(&queue->jobs);
    queue->task.run = run_first;
    queue->all = all;
    return queue;
}

bool ordered_jobs_wait(const struct ordered_jobs *all, uint64_t session)
{
    return table_find(&all->queues, &session) != NULL;
}

static void be_ready(struct ordered_job *place)
{
    struct ordered_queue *queue = place->queue;

    place->is_ready = true;
    if (first_of(queue) == place)
        loop_defer(queue->all->loop, &queue->task);
}

static void run_work(struct pool_job *job)
{
    struct ordered_job *place = container_of(job, struct ordered_job, job);

    place->work(place);
}

static void on_worked(struct pool_job *job)
{
    be_ready(container_of(job, struct ordered_job, job));
}

void ordered_jobs_do(struct ordered_jobs *all, struct pool_job *job,
                     void (*work)(struct pool_job *job), void (*done)(struct pool_job *job))
{
    job->run = work;
    job->done = done;
    if (all->pool && thread_pool_submit(all->pool, all->client, job) == 0)
        return;
    work(job);
    done(job);
}

void ordered_jobs_enter(struct ordered_jobs *all, uint64_t session, struct ordered_job *job)
{
    struct ordered_queue *queue = table_find(&all->queues, &session);

    if (!queue)
        queue = add_queue(all, session);
    job->queue = queue;
    job->is_ready = false;
    list_append(&queue->jobs, &job->node);
    if (job->work)
        ordered_jobs_do(all, &job->job, run_work, on_worked);
    else
        be_ready(job);
}
