/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/ratelimit.h"

#define DEFERRED_BYTES ((size_t)128 * 1024)

/* The one state of the process that is not handed around: every module logs, and a handle to the
 * log in every structure would tell nothing. main sets it up before there are threads. */
struct log {
    atomic_int level;  /* enum log_level */
    atomic_int format; /* enum log_format */
    int fd;
    atomic_uint_fast64_t dropped;
    pthread_mutex_t lock; /* guards what follows, and the order of poll and write */
    struct ratelimit limits[LOG_KINDS];
    uint64_t left_out[LOG_KINDS]; /* since the last line of the kind */
    pthread_cond_t arrival, end;
    struct log_deferred *deferred; /* the thread's; NULL: there is none, all write by themselves */
    bool is_ending;
};

/* What waits for the log's thread, and what that is writing. */
struct log_deferred {
    size_t length;
    char waiting[DEFERRED_BYTES], writing[DEFERRED_BYTES];
};

static struct log process_log = {
    .level = LOG_INFO_LEVEL,
    .format = LOG_FORMAT_TEXT,
    .fd = STDERR_FILENO,
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .arrival = PTHREAD_COND_INITIALIZER,
    .end = PTHREAD_COND_INITIALIZER,
};

static const struct ratelimit_rule limited_rule = {.burst = 10, .per_second = 10};

void log_open(enum log_level level, enum log_format format, int fd)
{
    log_change(level, format);
    process_log.fd = fd;
}

void log_change(enum log_level level, enum log_format format)
{
    atomic_store_explicit(&process_log.level, (int)level, memory_order_relaxed);
    atomic_store_explicit(&process_log.format, (int)format, memory_order_relaxed);
}

bool log_is_on(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&process_log.level, memory_order_relaxed);
}

uint64_t log_dropped(void)
{
    return atomic_load_explicit(&process_log.dropped, memory_order_relaxed);
}

static void drop(void)
{
    atomic_fetch_add_explicit(&process_log.dropped, 1, memory_order_relaxed);
}

/* The descriptor may be shared with other processes, so it is not made non-blocking. A pipe or a
 * terminal that nobody reads is asked first, and the line is small enough to fit when it says yes;
 * the lock keeps another thread from filling that room in between. */
static void write_line(const struct log_line *line)
{
    struct pollfd ready = {.fd = process_log.fd, .events = POLLOUT};
    ssize_t written = -1;

    if (poll(&ready, 1, 0) == 1 && (ready.revents & POLLOUT) != 0)
        do
            written = write(process_log.fd, line->text, line->length);
        while (written < 0 && errno == EINTR);
    if (written != (ssize_t)line->length)
        drop();
}

/* For the log's thread. Under the lock. */
static void defer(struct log_deferred *deferred, const struct log_line *line)
{
    if (deferred->length + line->length > DEFERRED_BYTES) {
        drop();
        return;
    }
    memcpy(deferred->waiting + deferred->length, line->text, line->length);
    deferred->length += line->length;
    pthread_cond_signal(&process_log.arrival);
}

static void write_all(const char *text, size_t length)
{
    while (length > 0) {
        ssize_t written = write(process_log.fd, text, length);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            drop();
            return;
        }
        text += written;
        length -= (size_t)written;
    }
}

/* How much there is now to be written; 0: nothing comes any more. */
static size_t wait_for_deferred(struct log_deferred *deferred)
{
    size_t length;

    pthread_mutex_lock(&process_log.lock);
    while (deferred->length == 0 && !process_log.is_ending)
        pthread_cond_wait(&process_log.arrival, &process_log.lock);
    length = deferred->length;
    memcpy(deferred->writing, deferred->waiting, length);
    deferred->length = 0;
    if (length == 0) {
        process_log.deferred = NULL;
        pthread_cond_broadcast(&process_log.end);
    }
    pthread_mutex_unlock(&process_log.lock);
    return length;
}

static void *run(void *argument)
{
    struct log_deferred *deferred = argument;
    size_t length;

    while ((length = wait_for_deferred(deferred)) > 0)
        write_all(deferred->writing, length);
    free(deferred);
    return NULL;
}

void log_start(void)
{
    struct log_deferred *deferred;
    struct stat facts;
    pthread_t thread;

    if (fstat(process_log.fd, &facts) != 0 || !S_ISREG(facts.st_mode))
        return;
    deferred = mem_zalloc(sizeof(*deferred));
    process_log.is_ending = false;
    process_log.deferred = deferred;
    if (pthread_create(&thread, NULL, run, deferred) == 0) {
        (void)pthread_detach(thread); /* its disk may hang at the end */
        return;
    }
    process_log.deferred = NULL;
    free(deferred);
}

void log_stop(uint32_t most_ms)
{
    const struct timespec until = clock_real_in(most_ms * CLOCK_NS_PER_MS);
    int rc = 0;

    pthread_mutex_lock(&process_log.lock);
    process_log.is_ending = true;
    pthread_cond_signal(&process_log.arrival);
    while (process_log.deferred && rc == 0)
        rc = pthread_cond_clockwait(&process_log.end, &process_log.lock, CLOCK_MONOTONIC, &until);
    pthread_mutex_unlock(&process_log.lock);
}

/* Whether there may be one more line of the kind now; else it is counted. left_out: it is written,
 * and so many were not since the last one; NULL: not yet. */
static bool is_within_limit(enum log_kind kind, uint64_t *left_out)
{
    struct ratelimit *limit = &process_log.limits[kind];
    const uint64_t now_ms = clock_monotonic_ns() / CLOCK_NS_PER_MS;
    bool is_within;

    if (kind == LOG_UNLIMITED)
        return true;
    pthread_mutex_lock(&process_log.lock);
    is_within = left_out ? ratelimit_take(limit, &limited_rule, now_ms)
                         : ratelimit_has(limit, &limited_rule, now_ms);
    if (!is_within) {
        process_log.left_out[kind]++;
        drop();
    } else if (left_out) {
        *left_out = process_log.left_out[kind];
        process_log.left_out[kind] = 0;
    }
    pthread_mutex_unlock(&process_log.lock);
    return is_within;
}

bool log_is_wanted(enum log_kind kind, enum log_level level)
{
    return log_is_on(level) && is_within_limit(kind, NULL);
}

void log_write(enum log_kind kind, enum log_level level, const char *message,
               const struct log_field *fields, size_t count)
{
    struct log_event event = {clock_wall_ms(), level, message, fields, count, 0};
    int saved_errno = errno;
    struct log_line line;
    int format;

    if (!log_is_on(level) || !is_within_limit(kind, &event.left_out))
        return;
    format = atomic_load_explicit(&process_log.format, memory_order_relaxed);
    log_line_format(&line, (enum log_format)format, &event);
    pthread_mutex_lock(&process_log.lock);
    if (process_log.deferred)
        defer(process_log.deferred, &line);
    else
        write_line(&line);
    pthread_mutex_unlock(&process_log.lock);
    errno = saved_errno;
}
