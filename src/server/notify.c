/* SPDX-License-Identifier: Apache-2.0 */
#include "server/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mailbox.h"
#include "base/mem.h"
#include "base/thread_pool.h"
#include "server/worker.h"

/* A name that begins with @ is one of the abstract namespace. */
static void tell(const char *state)
{
    const char *name = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const size_t length = name ? strlen(name) : 0;
    int fd;

    if (length < 2 || length >= sizeof(address.sun_path))
        return;
    memcpy(address.sun_path, name, length);
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address,
                         (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) < 0)
        log_warn("the service manager cannot be told", LOG_STR("socket", name));
    if (fd >= 0)
        close(fd);
}

void notify_ready(void)
{
    tell("READY=1");
}

void notify_reloading(void)
{
    char state[80];

    snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
             clock_kernel_ns(CLOCK_MONOTONIC) / 1000);
    tell(state);
}

void notify_stopping(void)
{
    tell("STOPPING=1");
}

/* Told so many times in the time that the manager waits. */
#define TOLD_TIMES 3u

struct question {
    struct mailbox_item item;
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

static void on_question(struct mailbox_item *item, void *context)
{
    (void)context;
    atomic_store(&container_of(item, struct question, item)->is_open, false);
}

static void ask_all(struct watchdog *watchdog)
{
    for (size_t i = 0; i < watchdog->count; i++) {
        struct question *question = &watchdog->questions[i];

        atomic_store(&question->is_open, true);
        question->item.receive = on_question;
        worker_post(watchdog->workers[i], &question->item);
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
    const struct timespec until = clock_real_in(watchdog->interval_us * 1000);

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
            tell("WATCHDOG=1"); /* to be said again within WATCHDOG_USEC */
        if (!watchdog->is_resting && !watchdog->is_hung)
            ask_all(watchdog);
        pause_for(watchdog);
    }
    (void)pthread_mutex_unlock(&watchdog->lock);
    return NULL;
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
    error = thread_start(&watchdog->thread, run, watchdog);
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
