/* SPDX-License-Identifier: Apache-2.0 */
#include "server/stop.h"

#include <dirent.h>
#include <errno.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "server/config.h"

/* How long stop_unwatch() may wait for the thread. */
#define LOOK_MS 10
/* For the last line of the log: it may be written to the very disk that hangs. */
#define LOG_MS 900

/* For handshakes that the kernel has begun. A SYN that is sent again comes after a second. */
#define HANDSHAKES_MS 500u

static uint32_t least(uint32_t one, uint32_t other)
{
    return one < other ? one : other;
}

void drain_plan_make(struct drain_plan *plan, const struct config *config)
{
    const uint32_t cut = config->drain_ms;
    const uint32_t notice = least(config->stop_notice_ms, cut);

    plan->at_ms[DRAIN_STREAMS] = notice;
    plan->at_ms[DRAIN_LEAVE] = notice + least(HANDSHAKES_MS, (cut - notice) / 4);
    plan->at_ms[DRAIN_REST] = least(notice + config->drain_spread_ms, cut);
    if (plan->at_ms[DRAIN_REST] < plan->at_ms[DRAIN_LEAVE])
        plan->at_ms[DRAIN_REST] = plan->at_ms[DRAIN_LEAVE];
    plan->at_ms[DRAIN_CUT] = cut;
}

size_t drain_plan_due(const struct drain_plan *plan, uint64_t since_ms)
{
    size_t due = 0;

    while (due < DRAIN_STEPS && plan->at_ms[due] <= since_ms)
        due++;
    return due;
}

/* One line of /proc, without its end. False: the thread has just ended. */
static bool read_fact(const char *thread, const char *fact, char *to, int size)
{
    char path[sizeof("/proc/self/task//") + 24 + 16];
    FILE *file;
    bool is_read;

    snprintf(path, sizeof(path), "/proc/self/task/%.24s/%.16s", thread, fact);
    file = fopen(path, "re");
    is_read = file && fgets(to, size, file);
    if (file)
        fclose(file);
    if (is_read)
        to[strcspn(to, "\n")] = '\0';
    return is_read;
}

/* Who waits for another thread, or for a signal, is not what hangs. */
static bool is_waiting(const char *call)
{
    const long number = strtol(call, NULL, 10);

    return number == SYS_futex || number == SYS_rt_sigtimedwait;
}

/* Who hangs is in a call, or runs. */
static void describe(const char *thread, struct buf *to)
{
    char name[32], call[32];

    if (!read_fact(thread, "comm", name, sizeof(name)) ||
        !read_fact(thread, "syscall", call, sizeof(call)) || is_waiting(call))
        return;
    call[strcspn(call, " ")] = '\0';
    buf_printf(to, "%s%s (%s%s)", to->length > 0 ? ", " : "", name,
               strcmp(call, "running") == 0 ? "" : "system call ", call);
}

static void describe_threads(struct buf *to)
{
    DIR *threads = opendir("/proc/self/task");
    const struct dirent *entry;
    char own[24];

    snprintf(own, sizeof(own), "%ld", syscall(SYS_gettid));
    while (threads && (entry = readdir(threads))) {
        if (entry->d_name[0] != '.' && strcmp(entry->d_name, own) != 0)
            describe(entry->d_name, to);
    }
    if (threads)
        (void)closedir(threads);
}

static void tell_hung(void)
{
    struct buf threads = BUF_INIT;

    describe_threads(&threads);
    log_error("the stop does not come to its end: ending without what hangs",
              LOG_STR("threads", threads.length > 0 ? buf_str(&threads) : "wait for each other"),
              LOG_INT("status", STOP_HUNG));
    buf_release(&threads);
}

static void tell_hurry(void)
{
    log_info("stopping now", LOG_STR("because", "a second signal"));
}

struct last_words {
    void (*tell)(void);
    sem_t is_told;
};

static void *say(void *argument)
{
    struct last_words *words = argument;

    words->tell();
    log_stop(LOG_MS);
    sem_post(&words->is_told);
    return NULL;
}

/* Ends the process, once that is said, or cannot be. */
static _Noreturn void end(void (*tell)(void), int status)
{
    struct last_words words = {.tell = tell};
    const struct timespec until = clock_real_in(LOG_MS * CLOCK_NS_PER_MS);
    pthread_t thread;

    if (sem_init(&words.is_told, 0, 0) == 0 && pthread_create(&thread, NULL, say, &words) == 0) {
        (void)pthread_detach(thread);
        while (sem_clockwait(&words.is_told, CLOCK_MONOTONIC, &until) != 0 && errno == EINTR)
            continue;
    }
    _exit(status);
}

void stop_give_up(void)
{
    end(tell_hung, STOP_HUNG);
}

/* drainTime goes by the clock that tests move; what hangs does not. */
static bool is_overdue(struct stop *stop)
{
    const uint64_t last_ms = (uint64_t)STOP_LAST_MS * fault_patience();

    if (stop->number == 0)
        return false;
    if (stop->cut_ns == 0 && stop_since_ms(stop) >= stop->drain_ms)
        stop->cut_ns = clock_real_ns();
    return stop->cut_ns > 0 && clock_real_ns() >= stop->cut_ns + last_ms * CLOCK_NS_PER_MS;
}

/* It is asked to end, and not cancelled: a signal that it has just taken would be lost. */
static void *watch(void *argument)
{
    const struct timespec interval = {.tv_nsec = (long)(LOOK_MS * CLOCK_NS_PER_MS)};
    struct stop *stop = argument;

    while (atomic_load(&stop->is_watching)) {
        int number = sigtimedwait(stop->signals, NULL, &interval);

        if (number > 0 && stop->number > 0)
            end(tell_hurry, 0);
        else if (number > 0)
            stop_note(stop, number);
        else if (is_overdue(stop))
            stop_give_up();
    }
    return NULL;
}

void stop_init(struct stop *stop, const sigset_t *signals, uint32_t drain_ms)
{
    *stop = (struct stop){.signals = signals, .drain_ms = drain_ms};
    atomic_init(&stop->is_watching, false);
}

void stop_watch(struct stop *stop)
{
    int error;

    atomic_store(&stop->is_watching, true);
    error = pthread_create(&stop->thread, NULL, watch, stop);
    if (error == 0)
        return;
    atomic_store(&stop->is_watching, false);
    log_error("nobody sees to it that a stop ends", LOG_STR("reason", strerror(error)));
}

void stop_unwatch(struct stop *stop)
{
    if (atomic_exchange(&stop->is_watching, false))
        (void)pthread_join(stop->thread, NULL);
}

void stop_note(struct stop *stop, int number)
{
    stop->number = number;
    stop->began_ns = clock_monotonic_ns();
}

uint64_t stop_since_ms(const struct stop *stop)
{
    const uint64_t now = clock_monotonic_ns();

    return now > stop->began_ns ? (now - stop->began_ns) / CLOCK_NS_PER_MS : 0;
}
