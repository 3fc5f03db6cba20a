/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"
#include "base/mailbox.h"
#include "base/test_clock.h"
#include "support/test.h"

static void it_is_the_kernels_clock_but_for_tests(void **state)
{
    const uint64_t before_ns = clock_real_ns();
    const time_t before = time(NULL);
    const uint64_t now_ns = clock_monotonic_ns();
    const time_t now = clock_wall_seconds();

    (void)state;
    assert_in_range(now_ns, before_ns, clock_real_ns());
    assert_in_range(now, before - 1, time(NULL) + 1); /* that takes the time of the latest tick */
}

#ifdef SSE_SERVER_FAULTS

enum { STEP_MS = 100, SECOND_MS = 1000, HOUR_MS = 3600 * 1000, LOOPS = 2, HOPS = 64 };

static uint64_t now_ms(void)
{
    return clock_monotonic_ns() / CLOCK_NS_PER_MS;
}

/* A loop in a thread of its own, with a timer that starts itself anew. */
struct clockwork {
    pthread_t thread;
    sem_t ready;
    struct loop *loop;
    struct mailbox *mailbox;
    struct loop_timer timer;
    unsigned every_ms;
    atomic_uint fired;
    struct clockwork *other; /* who gets an item when the timer fires */
    struct mailbox_item item, begun;
    struct loop_hook hook;
    unsigned slices; /* that the hook has to do after each firing */
    bool posts_job, has_job;
    pthread_t job;
};

static struct clockwork clockworks[LOOPS];
static atomic_uint hops;

static void pass_on(struct mailbox_item *item, void *context)
{
    struct clockwork *work = context;

    if (atomic_fetch_add(&hops, 1) + 1 < HOPS)
        mailbox_post(work->other->mailbox, item);
}

static void *answer_later(void *argument)
{
    struct clockwork *work = argument;
    const struct timespec while_it_works = {.tv_nsec = 5000000};

    (void)nanosleep(&while_it_works, NULL);
    mailbox_post(work->mailbox, &work->item);
    test_clock_note_jobs(-1);
    return NULL;
}

static void give_a_job(struct clockwork *work)
{
    test_clock_note_jobs(1);
    assert_int_equal(pthread_create(&work->job, NULL, answer_later, work), 0);
    work->has_job = true;
}

static void on_fire(struct loop_timer *timer)
{
    struct clockwork *work = container_of(timer, struct clockwork, timer);

    atomic_fetch_add(&work->fired, 1);
    work->item.receive = pass_on;
    if (work->posts_job)
        give_a_job(work);
    else if (work->other)
        mailbox_post(work->other->mailbox, &work->item);
    else
        loop_timer_start(work->loop, timer, work->every_ms);
    if (work->slices)
        loop_hook_add(work->loop, LOOP_FLUSH, &work->hook);
}

static bool do_slice(struct loop_hook *hook)
{
    struct clockwork *work = container_of(hook, struct clockwork, hook);

    if (atomic_load(&work->fired) == 0)
        return false;
    return work->slices > 0 && --work->slices > 0;
}

/* The loop runs: only then does the clock know it. */
static void say_ready(struct mailbox_item *item, void *context)
{
    (void)item;
    sem_post(&((struct clockwork *)context)->ready);
}

static void *run(void *argument)
{
    struct clockwork *work = argument;

    work->timer.on_fire = on_fire;
    work->hook.run = do_slice;
    loop_timer_start(work->loop, &work->timer, work->every_ms);
    loop_run(work->loop);
    loop_timer_stop(&work->timer);
    return NULL;
}

static void start(void)
{
    for (size_t i = 0; i < LOOPS; i++) {
        struct clockwork *work = &clockworks[i];

        assert_int_equal(sem_init(&work->ready, 0, 0), 0);
        work->begun.receive = say_ready;
        mailbox_post(work->mailbox, &work->begun);
        assert_int_equal(pthread_create(&work->thread, NULL, run, work), 0);
    }
    for (size_t i = 0; i < LOOPS; i++)
        assert_int_equal(sem_wait(&clockworks[i].ready), 0);
}

static int set_up(void **state)
{
    (void)state;
    memset(clockworks, 0, sizeof(clockworks));
    atomic_store(&hops, 0);
    for (size_t i = 0; i < LOOPS; i++) {
        clockworks[i].loop = loop_new();
        clockworks[i].mailbox = mailbox_new(clockworks[i].loop, &clockworks[i]);
        clockworks[i].every_ms = 10 * SECOND_MS;
    }
    return 0;
}

static void stop_loop(struct mailbox_item *item, void *context)
{
    loop_stop(((struct clockwork *)context)->loop);
    free(item);
}

static void halt(void)
{
    for (size_t i = 0; i < LOOPS; i++) {
        struct mailbox_item *item = calloc(1, sizeof(*item));

        item->receive = stop_loop;
        mailbox_post(clockworks[i].mailbox, item);
        (void)pthread_join(clockworks[i].thread, NULL);
        if (clockworks[i].has_job)
            (void)pthread_join(clockworks[i].job, NULL);
    }
}

static int tear_down(void **state)
{
    (void)state;
    test_clock_go();
    for (size_t i = 0; i < LOOPS; i++) {
        mailbox_free(clockworks[i].mailbox);
        loop_free(clockworks[i].loop);
        sem_destroy(&clockworks[i].ready);
    }
    return 0;
}

static void both_clocks_move_on(void **state)
{
    const uint64_t before = now_ms();
    const int64_t wall = clock_wall_ms();

    (void)state;
    assert_true(test_clock_advance(HOUR_MS, HOUR_MS));
    assert_true(now_ms() >= before + HOUR_MS);
    assert_true(clock_wall_ms() >= wall + HOUR_MS);
    assert_true(clock_real_ns() < before * CLOCK_NS_PER_MS + HOUR_MS * CLOCK_NS_PER_MS);
}

static void a_clock_that_stands_moves_by_so_much_only(void **state)
{
    uint64_t stopped;
    int64_t wall;

    (void)state;
    stopped = now_ms();
    wall = clock_wall_ms();
    test_clock_stop();
    assert_true(now_ms() >= stopped);
    assert_true(clock_wall_ms() >= wall);
    stopped = now_ms();
    wall = clock_wall_ms();
    assert_true(test_clock_advance(HOUR_MS, HOUR_MS));
    assert_int_equal(now_ms(), stopped + HOUR_MS);
    assert_int_equal(clock_wall_ms(), wall + HOUR_MS);
    test_clock_go();
    assert_true(now_ms() > stopped + HOUR_MS);
    assert_true(clock_wall_ms() >= wall + HOUR_MS);
}

static void timers_of_all_loops_fire_as_time_passes(void **state)
{
    (void)state;
    test_clock_stop();
    start();
    for (unsigned i = 0; i < LOOPS; i++)
        assert_int_equal(clockworks[i].fired, 0);
    assert_true(test_clock_advance(9 * SECOND_MS, STEP_MS));
    for (unsigned i = 0; i < LOOPS; i++)
        assert_int_equal(clockworks[i].fired, 0);
    assert_true(test_clock_advance(SECOND_MS + STEP_MS, STEP_MS));
    for (unsigned i = 0; i < LOOPS; i++)
        assert_int_equal(clockworks[i].fired, 1);
    assert_true(test_clock_advance(100 * SECOND_MS, STEP_MS));
    for (unsigned i = 0; i < LOOPS; i++)
        assert_int_equal(clockworks[i].fired, 10);
    halt();
}

/* A timer fires, and an item goes to and fro until that has hopped often enough. */
static void see_all_hops(void)
{
    clockworks[0].other = &clockworks[1];
    clockworks[1].other = &clockworks[0];
    clockworks[1].every_ms = HOUR_MS;
    test_clock_stop();
    start();
    assert_true(test_clock_advance(11 * SECOND_MS, 11 * SECOND_MS));
    assert_int_equal(hops, HOPS);
    halt();
}

static void what_follows_from_a_timer_is_waited_for(void **state)
{
    (void)state;
    see_all_hops();
}

static void what_is_done_in_slices_is_waited_for(void **state)
{
    (void)state;
    clockworks[0].slices = 1000;
    test_clock_stop();
    start();
    assert_true(test_clock_advance(11 * SECOND_MS, 11 * SECOND_MS));
    assert_int_equal(clockworks[0].slices, 0);
    halt();
}

static void a_job_of_another_thread_is_waited_for(void **state)
{
    (void)state;
    clockworks[0].posts_job = true;
    see_all_hops();
}

static void a_move_is_no_lag(void **state)
{
    (void)state;
    start();
    assert_true(test_clock_advance(HOUR_MS, HOUR_MS));
    halt();
    assert_true(clockworks[0].fired > 0);
    assert_true(loop_lag(clockworks[0].loop)->max_seconds < 3000);
    assert_true(loop_lag(clockworks[0].loop)->longest_turn < 3000);
}

static void ask(int fd, const char *command, const char *expected)
{
    char answer[64] = "";

    assert_int_equal(write(fd, command, strlen(command)), strlen(command));
    assert_true(read(fd, answer, sizeof(answer) - 1) > 0);
    assert_memory_equal(answer, expected, strlen(expected));
}

static void ask_when_it_stands(int fd, const char *command)
{
    char expected[64];

    ask(fd, command, "ok ");
    (void)snprintf(expected, sizeof(expected), "ok %lld ", (long long)clock_wall_ms());
    ask(fd, "stop\n", expected);
}

static void commands_come_by_a_socket(void **state)
{
    uint64_t before = now_ms();
    int ends[2];
    char text[16];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    (void)snprintf(text, sizeof(text), "%d", ends[1]);
    setenv("TEST_CLOCK", text, 1);
    test_clock_open();
    start();
    ask(ends[0], "advance 11000 100\n", "ok ");
    assert_true(now_ms() >= before + 11000);
    assert_true(clockworks[0].fired > 0);
    ask_when_it_stands(ends[0], "stop\n");
    before = now_ms();
    ask_when_it_stands(ends[0], "advance 500 0\n");
    assert_int_equal(now_ms(), before + 500);
    ask(ends[0], "go\n", "ok ");
    assert_true(now_ms() > before + 500);
    ask(ends[0], "back\n", "no such command\n");
    (void)close(ends[0]);
    halt();
}

static void a_wrong_descriptor_ends_the_start(void **state)
{
    static const char *const wrong[] = {"", "999", "soon", "1x"};

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        const pid_t child = fork();
        int status;

        assert_true(child >= 0);
        if (child == 0) {
            setenv("TEST_CLOCK", wrong[i], 1);
            test_clock_open();
            _exit(0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    }
}

static void without_the_variable_nothing_is_started(void **state)
{
    (void)state;
    unsetenv("TEST_CLOCK");
    test_clock_open();
}

#define RUNNING(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_kernels_clock_but_for_tests),
        cmocka_unit_test(a_wrong_descriptor_ends_the_start),
        cmocka_unit_test(without_the_variable_nothing_is_started),
        cmocka_unit_test(both_clocks_move_on),
        cmocka_unit_test(a_clock_that_stands_moves_by_so_much_only),
        RUNNING(timers_of_all_loops_fire_as_time_passes),
        RUNNING(what_follows_from_a_timer_is_waited_for),
        RUNNING(what_is_done_in_slices_is_waited_for),
        RUNNING(a_job_of_another_thread_is_waited_for),
        RUNNING(a_move_is_no_lag),
        RUNNING(commands_come_by_a_socket),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_kernels_clock_but_for_tests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
