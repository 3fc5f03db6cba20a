/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/loop.h"
#include "base/thread_pool.h"
#include "support/test.h"

#define LONG_MS 30000u

struct owner {
    struct loop *loop;
    struct pool_client *client;
    struct thread_pool *pool;
    pthread_t thread;
    unsigned done, expected;
    atomic_uint begun; /* the order in which jobs have run */
};

struct work {
    struct pool_job job;
    struct owner *owner;
    sem_t *begins, *ends; /* NULL: at once */
    unsigned began;
};

static void run(struct pool_job *job)
{
    struct work *work = container_of(job, struct work, job);

    assert_false(pthread_equal(work->owner->thread, pthread_self()));
    work->began = atomic_fetch_add(&work->owner->begun, 1);
    if (work->begins)
        sem_post(work->begins);
    if (work->ends)
        sem_wait(work->ends);
}

static void done(struct pool_job *job)
{
    struct work *work = container_of(job, struct work, job);

    assert_true(pthread_equal(work->owner->thread, pthread_self()));
    if (++work->owner->done == work->owner->expected)
        loop_stop(work->owner->loop);
}

static struct work work_of(struct owner *owner)
{
    return (struct work){.job = {.run = run, .done = done}, .owner = owner};
}

static void submit_to(struct thread_pool *pool, struct work *work)
{
    assert_int_equal(thread_pool_submit(pool, work->owner->client, &work->job), 0);
}

static void submit(struct work *work)
{
    submit_to(work->owner->pool, work);
}

static void expect(struct owner *owner, unsigned count)
{
    owner->expected = count;
    if (owner->done < count)
        loop_run(owner->loop);
    assert_int_equal(owner->done, count);
}

static void open_owner(struct owner *owner, size_t threads)
{
    *owner = (struct owner){.loop = loop_new(), .thread = pthread_self()};
    owner->client = pool_client_new(owner->loop);
    owner->pool = thread_pool_new("disk", threads, 2);
}

static void close_owner(struct owner *owner)
{
    assert_true(pool_client_free(owner->client, LONG_MS));
    assert_true(thread_pool_free(owner->pool, LONG_MS));
    loop_free(owner->loop);
}

static void one_thread_takes_jobs_in_order(void **state)
{
    struct work works[100];
    struct owner owner;

    (void)state;
    open_owner(&owner, 1);
    for (size_t i = 0; i < 100; i++) {
        works[i] = work_of(&owner);
        submit(&works[i]);
    }
    expect(&owner, 100);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(works[i].began, i);
    close_owner(&owner);
}

/* Each waits for the other to have begun. */
static void threads_run_side_by_side(void **state)
{
    struct work one, other;
    struct owner owner;
    sem_t first, second;

    (void)state;
    sem_init(&first, 0, 0);
    sem_init(&second, 0, 0);
    open_owner(&owner, 2);
    one = other = work_of(&owner);
    one.begins = other.ends = &first;
    other.begins = one.ends = &second;
    submit(&one);
    submit(&other);
    expect(&owner, 2);
    close_owner(&owner);
}

static void a_pool_that_hangs_keeps_no_other_waiting(void **state)
{
    struct thread_pool *hung = thread_pool_new("disk", 2, 2);
    struct work stuck[4], well;
    struct owner owner;
    sem_t begins, ends;

    (void)state;
    sem_init(&begins, 0, 0);
    sem_init(&ends, 0, 0);
    open_owner(&owner, 1);
    for (size_t i = 0; i < 4; i++) {
        assert_false(thread_pool_is_full(hung));
        stuck[i] = work_of(&owner);
        stuck[i].begins = &begins;
        stuck[i].ends = &ends;
        submit_to(hung, &stuck[i]);
        if (i < 2)
            sem_wait(&begins);
    }
    assert_true(thread_pool_is_full(hung));
    well = work_of(&owner);
    submit(&well);
    expect(&owner, 1);
    assert_false(thread_pool_free(hung, 1));

    for (size_t i = 0; i < 4; i++)
        sem_post(&ends);
    expect(&owner, 5); /* what waited is done before its threads end */
    assert_true(thread_pool_free(hung, LONG_MS));
    close_owner(&owner);
}

static void what_has_not_begun_can_be_taken_back(void **state)
{
    struct work stuck, waits;
    struct owner owner;
    sem_t begins, ends;

    (void)state;
    sem_init(&begins, 0, 0);
    sem_init(&ends, 0, 0);
    open_owner(&owner, 1);
    stuck = waits = work_of(&owner);
    stuck.begins = &begins;
    stuck.ends = &ends;
    submit(&stuck);
    sem_wait(&begins);
    submit(&waits);
    assert_false(thread_pool_cancel(&stuck.job));
    assert_true(thread_pool_cancel(&waits.job));
    assert_false(thread_pool_cancel(&waits.job));
    sem_post(&ends);
    expect(&owner, 1);
    submit(&waits);
    expect(&owner, 2);
    close_owner(&owner);
}

static void the_end_of_a_client_waits_for_its_jobs(void **state)
{
    struct work works[10];
    struct owner owner;

    (void)state;
    open_owner(&owner, 2);
    for (size_t i = 0; i < 10; i++) {
        works[i] = work_of(&owner);
        submit(&works[i]);
    }
    close_owner(&owner);
    assert_int_equal(owner.done, 10);
}

/* Its memory is the job's for good; here it is kept where the sanitizer finds it. */
static void the_end_of_a_client_does_not_wait_for_ever(void **state)
{
    static struct owner owner;
    struct work stuck;
    sem_t begins, ends;

    (void)state;
    sem_init(&begins, 0, 0);
    sem_init(&ends, 0, 0);
    open_owner(&owner, 1);
    stuck = work_of(&owner);
    stuck.begins = &begins;
    stuck.ends = &ends;
    submit(&stuck);
    sem_wait(&begins);
    assert_false(pool_client_free(owner.client, 1));
    loop_free(owner.loop);
    sem_post(&ends); /* it comes home to nobody */
    assert_true(thread_pool_free(owner.pool, LONG_MS));
    assert_int_equal(owner.done, 0);
}

static void a_pool_without_work_has_no_end_to_wait_for(void **state)
{
    (void)state;
    assert_true(thread_pool_free(thread_pool_new("disk", 4, 4), 0));
    assert_true(thread_pool_free(NULL, 0));
}

/* Chains whose jobs follow one another, as the pieces of a file do; by chance one is taken back, or
 * hangs for a while. */
enum { CHAINS = 40, LINKS = 200 };

struct chain {
    struct pool_job job;
    struct loop_task task;
    struct owner *owner;
    sem_t *gate; /* NULL: this link does not hang */
    unsigned submitted, ran, taken_back;
    bool is_running;
};

static sem_t gate;

static void run_link(struct pool_job *job)
{
    struct chain *chain = container_of(job, struct chain, job);

    assert_false(chain->is_running);
    chain->is_running = true;
    if (chain->gate)
        sem_wait(chain->gate);
    chain->ran++;
    chain->is_running = false;
}

static void next_link(struct chain *chain)
{
    struct owner *owner = chain->owner;

    if (chain->submitted == LINKS) {
        if (++owner->done == CHAINS)
            loop_stop(owner->loop);
        return;
    }
    chain->submitted++;
    chain->gate = rand() % 20 == 0 ? &gate : NULL;
    assert_int_equal(thread_pool_submit(owner->pool, owner->client, &chain->job), 0);
    if (rand() % 3 == 0 && thread_pool_cancel(&chain->job)) {
        chain->taken_back++;
        loop_defer(owner->loop, &chain->task);
    } else if (chain->gate) {
        sem_post(&gate);
    }
}

static void on_link(struct pool_job *job)
{
    struct chain *chain = container_of(job, struct chain, job);

    assert_int_equal(chain->ran + chain->taken_back, chain->submitted);
    next_link(chain);
}

static void on_task(struct loop_task *task)
{
    next_link(container_of(task, struct chain, task));
}

static void chains_keep_their_order(void **state)
{
    struct chain chains[CHAINS];
    struct owner owner;
    unsigned taken_back = 0;

    (void)state;
    srand(7);
    sem_init(&gate, 0, 0);
    open_owner(&owner, 3);
    for (size_t i = 0; i < CHAINS; i++)
        chains[i] = (struct chain){
            .job = {.run = run_link, .done = on_link}, .task.run = on_task, .owner = &owner};
    for (size_t i = 0; i < CHAINS; i++)
        next_link(&chains[i]);
    loop_run(owner.loop);
    for (size_t i = 0; i < CHAINS; i++) {
        assert_int_equal(chains[i].ran + chains[i].taken_back, LINKS);
        taken_back += chains[i].taken_back;
    }
    assert_true(taken_back > 0);
    close_owner(&owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_thread_takes_jobs_in_order),
        cmocka_unit_test(threads_run_side_by_side),
        cmocka_unit_test(a_pool_that_hangs_keeps_no_other_waiting),
        cmocka_unit_test(what_has_not_begun_can_be_taken_back),
        cmocka_unit_test(the_end_of_a_client_waits_for_its_jobs),
        cmocka_unit_test(the_end_of_a_client_does_not_wait_for_ever),
        cmocka_unit_test(a_pool_without_work_has_no_end_to_wait_for),
        cmocka_unit_test(chains_keep_their_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
