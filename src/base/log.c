/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log_line.h"
#include "base/ratelimit.h"

/* The one state of the process that is not handed around: every room logs, and a handle to the
 * log in every structure would tell nothing. main sets it up before there are threads. */
struct log {
    enum log_level level;
    enum log_format format;
    int fd;
    atomic_uint_fast64_t dropped;
    pthread_mutex_t lock; /* guards the limits and the order of poll and write */
    struct ratelimit limits[LOG_KINDS];
};

static struct log process_log = {
    .level = LOG_INFO_LEVEL,
    .format = LOG_FORMAT_TEXT,
    .fd = STDERR_FILENO,
    .lock = PTHREAD_MUTEX_INITIALIZER,
};

static const struct ratelimit_rule limited_rule = {.burst = 10, .per_second = 10};

void log_open(enum log_level level, enum log_format format, int fd)
{
    process_log.level = level;
    process_log.format = format;
    process_log.fd = fd;
}

bool log_is_on(enum log_level level)
{
    return level >= process_log.level;
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

void log_write(enum log_level level, const char *message, const struct log_field *fields,
               size_t count)
{
    const struct log_event event = {clock_wall_ms(), level, message, fields, count};
    int saved_errno = errno;
    struct log_line line;

    if (!log_is_on(level))
        return;
    log_line_format(&line, process_log.format, &event);
    pthread_mutex_lock(&process_log.lock);
    write_line(&line);
    pthread_mutex_unlock(&process_log.lock);
    errno = saved_errno;
}

void log_write_limited(enum log_kind kind, enum log_level level, const char *message,
                       const struct log_field *fields, size_t count)
{
    bool allowed;

    pthread_mutex_lock(&process_log.lock);
    allowed = ratelimit_take(&process_log.limits[kind], &limited_rule,
                             clock_monotonic_ns() / CLOCK_NS_PER_MS);
    pthread_mutex_unlock(&process_log.lock);
    if (allowed)
        log_write(level, message, fields, count);
    else
        drop();
}
