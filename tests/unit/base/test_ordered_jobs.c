/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <semaphore.h>
#include <string.h>

#include "base/loop.h"
#include "base/mem.h"
#include "base/thread_pool.h"
#include "support/test.h"

#define LONG_MS 60000u
#define ONE     UINT64_C(1)
#define OTHER   UINT64_C(65)

struct person {
    struct ordered_job place;
    char name;
    sem_t *begins; /* the work waits for it */
    pthread_t worked_in;
};

static struct loop *loop;
static struct thread_pool *pool;
static struct ordered_jobs lines;
static char turns[64];
static size_t expected;

static void work(struct ordered_job *place)
{
    struct person *person = container_of(place, struct person, place);

    if (person->begins)
        sem_wait(person->begins);
    person->worked_in = pthread_self();
}

static void turn(struct ordered_job *place)
{
    const size_t count = strlen(turns);

    turns[count] = container_of(place, struct person, place)->name;
    if (count + 1 == expected)
        loop_stop(loop);
}

static void open_with(struct thread_pool *threads)
{
    loop = loop_new();
    pool = threads;
    ordered_jobs_init(&lines, loop, pool);
    memset(turns, 0, sizeof(turns));
}

static int set_up(void **state)
{
    (void)state;
    open_with(thread_pool_new("reader", 2, SIZE_MAX));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    assert_true(ordered_jobs_release(&lines, LONG_MS));
    assert_true(thread_pool_free(pool, LONG_MS));
    loop_free(loop);
    return 0;
}

static void enter(struct person *person, char name, uint64_t session, bool has_work, sem_t *begins)
{
    *person = (struct person){
        .place = {.work = has_work ? work : NULL, .turn = turn}, .name = name, .begins = begins};
    ordered_jobs_enter(&lines, session, &person->place);
}

static void expect(const char *names)
{
    expected = strlen(names);
    loop_run(loop);
    assert_string_equal(turns, names);
}

static void the_work_is_done_by_another_thread(void **state)
{
    struct person person;

    (void)state;
    enter(&person, 'a', ONE, true, NULL);
    assert_string_equal(turns, "");
    expect("a");
    assert_false(pthread_equal(person.worked_in, pthread_self()));
}

static void those_of_a_session_have_their_turns_in_order(void **state)
{
    struct person people[4];
    sem_t begins;

    (void)state;
    sem_init(&begins, 0, 0);
    enter(&people[0], 'a', ONE, true, &begins);
    enter(&people[1], 'b', ONE, false, NULL);
    enter(&people[2], 'c', ONE, true, NULL); /* is done before the first */
    enter(&people[3], 'd', ONE, false, NULL);
    assert_true(ordered_jobs_wait(&lines, ONE));
    sem_post(&begins);
    expect("abcd");
    assert_false(ordered_jobs_wait(&lines, ONE));
    sem_destroy(&begins);
}

static void those_of_other_sessions_pass_by(void **state)
{
    struct person first, second, other;
    sem_t begins;

    (void)state;
    sem_init(&begins, 0, 0);
    enter(&first, 'a', ONE, true, &begins);
    enter(&second, 'b', ONE, false, NULL);
    assert_false(ordered_jobs_wait(&lines, OTHER));
    enter(&other, 'c', OTHER, true, NULL);
    expect("c");
    assert_true(ordered_jobs_wait(&lines, ONE));
    sem_post(&begins);
    expect("cab");
    sem_destroy(&begins);
}

static void without_a_thread_it_is_done_here_and_the_turn_is_later(void **state)
{
    struct person first, second;

    (void)state;
    open_with(NULL);
    enter(&first, 'a', ONE, true, NULL);
    enter(&second, 'b', ONE, false, NULL);
    assert_string_equal(turns, "");
    expect("ab");
    assert_true(pthread_equal(first.worked_in, pthread_self()));
    assert_true(ordered_jobs_release(&lines, LONG_MS));
    loop_free(loop);
}

/* A turn of the loop has so many passes for tasks (base/loop.c). */
static unsigned turn_count;

static bool count_turn(struct loop_hook *hook)
{
    (void)hook;
    turn_count++;
    return false;
}

static void a_turn_of_the_loop_does_some_of_a_long_line(void **state)
{
    struct loop_hook hook = {.run = count_turn};
    struct person people[50];

    (void)state;
    turn_count = 0;
    loop_hook_add(loop, LOOP_REAP, &hook);
    for (size_t i = 0; i < 50; i++)
        enter(&people[i], 'a', ONE, false, NULL);
    expected = 50;
    loop_run(loop);
    assert_true(turn_count > 50 / 10);
    loop_hook_remove(&hook);
}

#define LINE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LINE_TEST(the_work_is_done_by_another_thread),
        LINE_TEST(those_of_a_session_have_their_turns_in_order),
        LINE_TEST(those_of_other_sessions_pass_by),
        cmocka_unit_test(without_a_thread_it_is_done_here_and_the_turn_is_later),
        LINE_TEST(a_turn_of_the_loop_does_some_of_a_long_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
