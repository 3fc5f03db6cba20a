/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test_clock.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

/* By so much the clock jumps when it is stopped and when it goes on. Threads read it meanwhile:
 * none may see it go back. */
#define JUMP_MS      100u
#define NO_REST_MS   30000u
#define JOB_PAUSE_NS 200000 /* between two looks whether the stores' threads are done */
#define LINE_SIZE    128u

/* Of the process, as its time is. */
struct test_clock {
    atomic_uint_fast64_t ahead_ns;   /* of the kernel's clock; while the clock goes */
    atomic_uint_fast64_t stopped_ns; /* where it stands; 0 while it goes */
    atomic_int_fast64_t stopped_wall_ms;
    atomic_uint_fast64_t posts;
    atomic_uint_fast64_t jobs; /* under way */
    pthread_mutex_t moving;    /* one command at a time */
    pthread_mutex_t lock;      /* guards what follows, and the watches' node and rested_at */
    pthread_cond_t rested;
    struct list watches;
    uint64_t round;
};

static struct test_clock process_clock = {
    .moving = PTHREAD_MUTEX_INITIALIZER,
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .rested = PTHREAD_COND_INITIALIZER,
    .watches = {&process_clock.watches, &process_clock.watches},
};

/* Relaxed in all of this file: the clock must not order what the program itself leaves unordered,
 * or TSan would not see it. */
#define GET(member)        atomic_load_explicit(&process_clock.member, memory_order_relaxed)
#define SET(member, value) atomic_store_explicit(&process_clock.member, value, memory_order_relaxed)
#define ADD(member, value)                                                                         \
    ((void)atomic_fetch_add_explicit(&process_clock.member, value, memory_order_relaxed))

uint64_t test_clock_monotonic_ns(uint64_t real_ns)
{
    const uint64_t stopped = GET(stopped_ns);

    return stopped ? stopped : real_ns + GET(ahead_ns);
}

int64_t test_clock_wall_ms(int64_t real_ms)
{
    return GET(stopped_ns) ? GET(stopped_wall_ms)
                           : real_ms + (int64_t)(GET(ahead_ns) / CLOCK_NS_PER_MS);
}

static void move(uint64_t ms)
{
    if (GET(stopped_ns)) {
        ADD(stopped_wall_ms, (int64_t)ms);
        ADD(stopped_ns, ms * CLOCK_NS_PER_MS);
    } else {
        ADD(ahead_ns, ms * CLOCK_NS_PER_MS);
    }
}

static void on_moved(struct ev_loop *ev, struct ev_async *moved, int events)
{
    struct test_clock_watch *watch = container_of(moved, struct test_clock_watch, moved);

    (void)ev;
    (void)events;
    watch->has_moved = true;
    watch->on_move(watch);
}

void test_clock_watch(struct test_clock_watch *watch, struct ev_loop *ev)
{
    watch->ev = ev;
    watch->has_moved = false;
    ev_async_init(&watch->moved, on_moved);
    ev_async_start(ev, &watch->moved);
    pthread_mutex_lock(&process_clock.lock);
    watch->rested_at = process_clock.round;
    list_append(&process_clock.watches, &watch->node);
    pthread_mutex_unlock(&process_clock.lock);
}

void test_clock_unwatch(struct test_clock_watch *watch)
{
    pthread_mutex_lock(&process_clock.lock);
    list_remove(&watch->node);
    pthread_cond_broadcast(&process_clock.rested);
    pthread_mutex_unlock(&process_clock.lock);
    ev_async_stop(watch->ev, &watch->moved);
}

void test_clock_rest(struct test_clock_watch *watch)
{
    if (!watch->has_moved)
        return;
    watch->has_moved = false;
    pthread_mutex_lock(&process_clock.lock);
    watch->rested_at = process_clock.round;
    pthread_cond_broadcast(&process_clock.rested);
    pthread_mutex_unlock(&process_clock.lock);
}

void test_clock_note_post(void)
{
    ADD(posts, 1);
}

void test_clock_note_jobs(int more)
{
    ADD(jobs, (uint64_t)more);
}

static bool all_have_rested(void)
{
    list_for_each_safe(node, after, &process_clock.watches) {
        if (container_of(node, struct test_clock_watch, node)->rested_at < process_clock.round)
            return false;
    }
    return true;
}

/* Every loop has a turn, from waking up to waiting. False when one has none by then. */
static bool run_round(const struct timespec *until)
{
    bool is_over;

    pthread_mutex_lock(&process_clock.lock);
    process_clock.round++;
    list_for_each_safe(node, after, &process_clock.watches) {
        struct test_clock_watch *watch = container_of(node, struct test_clock_watch, node);

        ev_async_send(watch->ev, &watch->moved);
    }
    while (!(is_over = all_have_rested()) &&
           pthread_cond_clockwait(&process_clock.rested, &process_clock.lock, CLOCK_MONOTONIC,
                                  until) == 0)
        continue;
    pthread_mutex_unlock(&process_clock.lock);
    return is_over;
}

/* At rest is who was given nothing to do in a whole round: what was posted before it has been
 * opened in it. */
static bool settle(void)
{
    const uint64_t deadline_ns = clock_real_ns() + NO_REST_MS * CLOCK_NS_PER_MS;
    const struct timespec until = clock_real_in(NO_REST_MS * CLOCK_NS_PER_MS);
    const struct timespec pause = {.tv_nsec = JOB_PAUSE_NS};
    uint64_t posts;
    bool is_at_rest;

    do {
        const bool had_jobs = GET(jobs) > 0;

        if (had_jobs)
            (void)nanosleep(&pause, NULL);
        posts = GET(posts);
        if (!run_round(&until))
            return false;
        is_at_rest = !had_jobs && GET(jobs) == 0 && GET(posts) == posts;
    } while (!is_at_rest && clock_real_ns() < deadline_ns);
    return is_at_rest;
}

bool test_clock_advance(uint64_t ms, uint64_t step_ms)
{
    bool is_at_rest = true;

    pthread_mutex_lock(&process_clock.moving);
    while (ms > 0 && is_at_rest) {
        const uint64_t step = step_ms > 0 && step_ms < ms ? step_ms : ms;

        move(step);
        ms -= step;
        is_at_rest = settle();
    }
    pthread_mutex_unlock(&process_clock.moving);
    return is_at_rest;
}

void test_clock_stop(void)
{
    pthread_mutex_lock(&process_clock.moving);
    if (!GET(stopped_ns)) {
        SET(stopped_wall_ms, clock_wall_ms() + JUMP_MS);
        SET(stopped_ns, clock_monotonic_ns() + JUMP_MS * CLOCK_NS_PER_MS);
        (void)settle();
    }
    pthread_mutex_unlock(&process_clock.moving);
}

void test_clock_go(void)
{
    pthread_mutex_lock(&process_clock.moving);
    if (GET(stopped_ns)) {
        SET(ahead_ns, GET(stopped_ns) + JUMP_MS * CLOCK_NS_PER_MS - clock_real_ns());
        SET(stopped_ns, 0);
    }
    pthread_mutex_unlock(&process_clock.moving);
}

/* NULL, or why not. */
static const char *obey(const char *line)
{
    unsigned long ms, step;

    if (sscanf(line, "advance %lu %lu", &ms, &step) == 2)
        return test_clock_advance(ms, step) ? NULL : "the loops did not come to rest";
    if (strcmp(line, "stop\n") == 0)
        test_clock_stop();
    else if (strcmp(line, "go\n") == 0)
        test_clock_go();
    else
        return "no such command";
    return NULL;
}

static void *take_commands(void *argument)
{
    FILE *commands = argument;
    char line[LINE_SIZE];

    /* From glibc 2.41 on exit() waits for whoever reads a stream, unless it has no lock. */
    (void)__fsetlocking(commands, FSETLOCKING_BYCALLER);

    while (fgets(line, sizeof(line), commands)) {
        const char *wrong = obey(line);
        const int64_t real = (int64_t)(clock_kernel_ns(CLOCK_REALTIME) / CLOCK_NS_PER_MS);
        const int64_t wall = test_clock_wall_ms(real);
        char answer[LINE_SIZE];
        const int length =
            wrong ? snprintf(answer, sizeof(answer), "%s\n", wrong)
                  : snprintf(answer, sizeof(answer), "ok %" PRId64 " %" PRId64 "\n", wall, real);

        if (send(fileno(commands), answer, (size_t)length, MSG_NOSIGNAL) < 0)
            break;
    }
    fclose(commands);
    return NULL;
}

void test_clock_open(void)
{
    const char *text = getenv("TEST_CLOCK");
    FILE *commands = NULL;
    pthread_t thread;
    char rest;
    int fd;

    if (!text)
        return;
    if (sscanf(text, "%d%c", &fd, &rest) == 1 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0)
        commands = fdopen(fd, "r");
    /* A test whose clock does not move would wait, or pass without having tested anything. */
    if (!commands || pthread_create(&thread, NULL, take_commands, commands) != 0) {
        log_error("TEST_CLOCK must be the descriptor of a socket", LOG_STR("value", text));
        abort();
    }
    (void)pthread_detach(thread);
}
