/* SPDX-License-Identifier: Apache-2.0 */
#include "server/watchdog.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/list.h"
#include "base/log.h"
#include "base/mailbox.h"
#include "base/mem.h"
#include "server/notify.h"
#include "server/worker.h"

#define STACK_BYTES ((size_t)128 * 1024)

/* Told so many times in the time that the manager waits. */
#define TOLD_TIMES 3u

struct question {
    struct letter letter;
    atomic_bool is_open; /* the worker has not had a turn since */
};

struct watchdog {
    struct worker *const *workers;
    struct question *questions; /* one for each worker */
    size_t count;
    uint64_t interval_us;
    pthread_t thread;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t ended;
    bool is_resting, is_ended;
    bool is_hung; /* which was said in the log */
};

static uint64_t number_of(const char *name)
{
    const char *text = getenv(name);

    return text ? strtoull(text, NULL, 10) : 0;
}

/* In us; 0: nobody waits, or for another process. */
static uint64_t wanted(void)
{
    const uint64_t pid = number_of("WATCHDOG_PID");

    return pid == 0 || pid == (uint64_t)getpid() ? number_of("WATCHDOG_USEC") / TOLD_TIMES : 0;
}

static void open_question(struct letter *letter, void *context)
{
    (void)context;
    atomic_store(&container_of(letter, struct question, letter)->is_open, false);
}

static void ask_all(struct watchdog *watchdog)
{
    for (size_t i = 0; i < watchdog->count; i++) {
        struct question *question = &watchdog->questions[i];

        atomic_store(&question->is_open, true);
        question->letter.open = open_question;
        worker_post(watchdog->workers[i], &question->letter);
    }
}

/* Whether all have had a turn since they were asked. */
static bool are_alive(struct watchdog *watchdog)
{
    size_t hung = 0;

    while (hung < watchdog->count && !atomic_load(&watchdog->questions[hung].is_open))
        hung++;
    if (hung < watchdog->count && !watchdog->is_hung)
        log_error("a worker hangs: the service manager is not told that the server lives",
                  LOG_INT("worker", hung));
    watchdog->is_hung = hung < watchdog->count;
    return !watchdog->is_hung;
}

/* One interval, or until the end. */
static void pause_for(struct watchdog *watchdog)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(watchdog->interval_us / 1000000);
    until.tv_nsec += (long)(watchdog->interval_us % 1000000) * 1000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    while (!watchdog->is_ended && pthread_cond_clockwait(&watchdog->ended, &watchdog->lock,
                                                         CLOCK_MONOTONIC, &until) != ETIMEDOUT)
        continue;
}

static void *run(void *argument)
{
    struct watchdog *watchdog = argument;

    (void)pthread_setname_np(pthread_self(), "watchdog");
    (void)pthread_mutex_lock(&watchdog->lock);
    while (!watchdog->is_ended) {
        if (watchdog->is_resting || are_alive(watchdog))
            notify_alive();
        if (!watchdog->is_resting && !watchdog->is_hung)
            ask_all(watchdog);
        pause_for(watchdog);
    }
    (void)pthread_mutex_unlock(&watchdog->lock);
    return NULL;
}

static int start_thread(struct watchdog *watchdog)
{
    pthread_attr_t attributes;
    int error;

    (void)pthread_attr_init(&attributes);
    (void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
    error = pthread_create(&watchdog->thread, &attributes, run, watchdog);
    (void)pthread_attr_destroy(&attributes);
    return error;
}

static void release(struct watchdog *watchdog)
{
    (void)pthread_mutex_destroy(&watchdog->lock);
    (void)pthread_cond_destroy(&watchdog->ended);
    free(watchdog->questions);
    free(watchdog);
}

struct watchdog *watchdog_start(struct worker *const *workers, size_t count)
{
    const uint64_t interval_us = wanted();
    struct watchdog *watchdog;
    int error;

    if (interval_us == 0)
        return NULL;
    watchdog = mem_zalloc(sizeof(*watchdog));
    watchdog->workers = workers;
    watchdog->count = count;
    watchdog->interval_us = interval_us;
    watchdog->questions = mem_zalloc(count * sizeof(struct question));
    (void)pthread_mutex_init(&watchdog->lock, NULL);
    (void)pthread_cond_init(&watchdog->ended, NULL);
    error = start_thread(watchdog);
    if (error == 0)
        return watchdog;
    log_error("the service manager cannot be told that the server lives: no thread",
              LOG_STR("reason", strerror(error)));
    release(watchdog);
    return NULL;
}

void watchdog_rest(struct watchdog *watchdog)
{
    if (!watchdog)
        return;
    (void)pthread_mutex_lock(&watchdog->lock);
    watchdog->is_resting = true;
    (void)pthread_mutex_unlock(&watchdog->lock);
}

void watchdog_free(struct watchdog *watchdog)
{
    if (!watchdog)
        return;
    (void)pthread_mutex_lock(&watchdog->lock);
    watchdog->is_ended = true;
    (void)pthread_cond_signal(&watchdog->ended);
    (void)pthread_mutex_unlock(&watchdog->lock);
    (void)pthread_join(watchdog->thread, NULL);
    release(watchdog);
}
