/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/loop.h"
#include "base/mem.h"
#include "cluster/peers.h"
#include "support/test.h"

enum { MAX_WORKERS = 4, CALLS = 2000 };

/*
 * Every worker makes CALLS calls, a few under way at a time; each call adds up what the workers
 * answer, each in its slot. What a worker owns is touched by its own thread only: TSan is the
 * judge of that.
 */
struct team;

struct worker {
    struct team *team;
    size_t number;
    pthread_t thread;
    struct loop *loop;
    int started;
    int finished;
    int due[MAX_WORKERS]; /* the number of the next call from each origin */
    bool starting;
    struct loop_task next;
};

struct team {
    struct peers *peers;
    size_t count;
    atomic_size_t busy; /* workers that have calls to finish */
    bool late;          /* parts are done by a task of their worker, not at once */
    struct worker workers[MAX_WORKERS];
};

struct stop_call {
    struct peers_call call;
};

struct slot {
    struct loop_task task;
    struct sum_call *call;
    int value;
};

struct sum_call {
    struct peers_call call;
    struct team *team;
    int number;
    size_t only; /* the one worker that is called, or MAX_WORKERS */
    struct slot slots[MAX_WORKERS];
};

static void stop_here(struct peers_call *call, size_t number, void *context)
{
    struct worker *worker = context;

    assert_int_equal(worker->number, number);
    loop_stop(worker->loop);
    peers_call_done(call);
}

static void free_stop(struct peers_call *call, void *context)
{
    (void)context;
    free(container_of(call, struct stop_call, call));
}

static void stop_all(struct worker *worker)
{
    struct stop_call *stop = mem_zalloc(sizeof(*stop));

    stop->call.run = stop_here;
    stop->call.finish = free_stop;
    peers_call_start(worker->team->peers, worker->number, &stop->call);
}

static void run_late(struct loop_task *task)
{
    peers_call_done(&container_of(task, struct slot, task)->call->call);
}

static void answer(struct peers_call *call, size_t number, void *context)
{
    struct sum_call *sum = container_of(call, struct sum_call, call);
    struct worker *worker = context;

    assert_int_equal(worker->number, number);
    assert_true(pthread_equal(pthread_self(), worker->thread));
    assert_int_equal(sum->number, worker->due[call->origin]);
    worker->due[call->origin]++;
    sum->slots[number].value = sum->number + (int)number;
    if (!worker->team->late) {
        peers_call_done(call);
        return;
    }
    sum->slots[number].call = sum;
    sum->slots[number].task.run = run_late;
    loop_defer(worker->loop, &sum->slots[number].task);
}

static void add_up(struct peers_call *call, void *context)
{
    struct sum_call *sum = container_of(call, struct sum_call, call);
    struct worker *worker = context;
    int total = 0, expected = 0;

    assert_int_equal(call->origin, worker->number);
    assert_true(pthread_equal(pthread_self(), worker->thread));
    assert_false(worker->starting);
    for (size_t i = 0; i < worker->team->count; i++) {
        total += sum->slots[i].value;
        if (sum->only == MAX_WORKERS || sum->only == i)
            expected += sum->number + (int)i;
    }
    assert_int_equal(total, expected);
    free(sum);
    if (++worker->finished < CALLS)
        loop_defer(worker->loop, &worker->next);
    else if (atomic_fetch_sub(&worker->team->busy, 1) == 1)
        stop_all(worker);
}

static void start_call(struct worker *worker, size_t only)
{
    struct sum_call *sum = mem_zalloc(sizeof(*sum));

    sum->call.run = answer;
    sum->call.finish = add_up;
    sum->team = worker->team;
    sum->number = worker->started++;
    sum->only = only;
    worker->starting = true;
    if (only == MAX_WORKERS)
        peers_call_start(worker->team->peers, worker->number, &sum->call);
    else
        peers_call_one(worker->team->peers, worker->number, only, &sum->call);
    worker->starting = false;
}

static void start_some(struct loop_task *task)
{
    struct worker *worker = container_of(task, struct worker, next);

    for (int i = 0; i < 3 && worker->started < CALLS; i++)
        start_call(worker, MAX_WORKERS);
}

static void *work(void *argument)
{
    struct worker *worker = argument;

    worker->thread = pthread_self();
    worker->loop = loop_new();
    assert_non_null(worker->loop);
    peers_join(worker->team->peers, worker->number, worker->loop, worker);
    loop_defer(worker->loop, &worker->next);
    loop_run(worker->loop);
    peers_leave(worker->team->peers, worker->number);
    loop_free(worker->loop);
    return NULL;
}

static void run_team(struct team *team, size_t count, void *(*body)(void *))
{
    pthread_t threads[MAX_WORKERS];

    team->peers = peers_new(count);
    team->count = count;
    atomic_init(&team->busy, count);
    assert_int_equal(peers_count(team->peers), count);
    for (size_t i = 0; i < count; i++) {
        team->workers[i].team = team;
        team->workers[i].number = i;
        if (team->workers[i].next.run == NULL)
            team->workers[i].next.run = start_some;
        assert_int_equal(pthread_create(&threads[i], NULL, body, &team->workers[i]), 0);
    }
    for (size_t i = 0; i < count; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    peers_free(team->peers);
}

static void assert_all_finished(const struct team *team)
{
    for (size_t i = 0; i < team->count; i++) {
        assert_int_equal(team->workers[i].finished, CALLS);
        for (size_t k = 0; k < team->count; k++)
            assert_int_equal(team->workers[i].due[k], CALLS);
    }
}

static void calls_in_all_directions_add_up(void **state)
{
    struct team team = {.late = false};

    (void)state;
    run_team(&team, 4, work);
    assert_all_finished(&team);
}

static void parts_may_be_done_later(void **state)
{
    struct team team = {.late = true};

    (void)state;
    run_team(&team, 3, work);
    assert_all_finished(&team);
}

static void a_worker_alone_needs_no_mailbox(void **state)
{
    struct team team = {.late = false};
    struct team late = {.late = true};

    (void)state;
    run_team(&team, 1, work);
    assert_all_finished(&team);
    run_team(&late, 1, work);
    assert_all_finished(&late);
}

static void start_one_each(struct loop_task *task)
{
    struct worker *worker = container_of(task, struct worker, next);

    /* Numbers are per worker that is called, as its due[] wants them. */
    if (worker->started < CALLS)
        start_call(worker, worker->number == 0 ? 1 : worker->number);
}

static void calls_to_one_reach_only_that_one(void **state)
{
    struct team team = {.late = false};

    (void)state;
    for (size_t i = 0; i < 3; i++)
        team.workers[i].next.run = start_one_each;
    run_team(&team, 3, work);
    assert_int_equal(team.workers[0].due[0], 0);
    assert_int_equal(team.workers[1].due[0], CALLS);
    assert_int_equal(team.workers[1].due[1], CALLS);
    assert_int_equal(team.workers[2].due[2], CALLS);
    assert_int_equal(team.workers[2].due[0], 0);
}

static void count_finish(struct peers_call *call, void *context)
{
    struct worker *worker = context;

    worker->finished++;
    free(container_of(call, struct sum_call, call));
}

/* Nobody runs a loop: what is under way is finished while they leave. */
static void *call_and_leave(void *argument)
{
    struct worker *worker = argument;

    worker->thread = pthread_self();
    worker->loop = loop_new();
    assert_non_null(worker->loop);
    peers_join(worker->team->peers, worker->number, worker->loop, worker);
    for (int i = 0; i < 50; i++) {
        struct sum_call *sum = mem_zalloc(sizeof(*sum));

        sum->call.run = answer;
        sum->call.finish = count_finish;
        sum->number = i;
        peers_call_start(worker->team->peers, worker->number, &sum->call);
        assert_int_equal(worker->finished, 0);
    }
    peers_leave(worker->team->peers, worker->number);
    loop_free(worker->loop);
    return NULL;
}

static void leaving_finishes_what_is_under_way(void **state)
{
    struct team team = {.late = false};

    (void)state;
    run_team(&team, 4, call_and_leave);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(team.workers[i].finished, 50);
}

static void call_again(struct peers_call *call, void *context)
{
    struct worker *worker = context;

    worker->finished++;
    call->finish = count_finish;
    container_of(call, struct sum_call, call)->number = worker->started++;
    peers_call_start(call->peers, worker->number, call);
}

static void *call_twice_and_leave(void *argument)
{
    struct worker *worker = argument;

    worker->thread = pthread_self();
    worker->loop = loop_new();
    assert_non_null(worker->loop);
    peers_join(worker->team->peers, worker->number, worker->loop, worker);
    for (int i = 0; i < 50; i++) {
        struct sum_call *sum = mem_zalloc(sizeof(*sum));

        sum->call.run = answer;
        sum->call.finish = call_again;
        sum->number = worker->started++;
        peers_call_start(worker->team->peers, worker->number, &sum->call);
    }
    peers_leave(worker->team->peers, worker->number);
    loop_free(worker->loop);
    return NULL;
}

/* Even when parts wait for their loops, and when one call leads to another. */
static void leaving_waits_for_the_last_call(void **state)
{
    (void)state;
    for (size_t count = 1; count <= MAX_WORKERS; count++) {
        struct team team = {.late = true};

        run_team(&team, count, call_twice_and_leave);
        for (size_t i = 0; i < count; i++)
            assert_int_equal(team.workers[i].finished, 100);
    }
}

static void there_may_be_none(void **state)
{
    (void)state;
    peers_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_in_all_directions_add_up),
        cmocka_unit_test(parts_may_be_done_later),
        cmocka_unit_test(a_worker_alone_needs_no_mailbox),
        cmocka_unit_test(calls_to_one_reach_only_that_one),
        cmocka_unit_test(leaving_finishes_what_is_under_way),
        cmocka_unit_test(leaving_waits_for_the_last_call),
        cmocka_unit_test(there_may_be_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
