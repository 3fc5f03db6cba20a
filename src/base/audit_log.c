/* SPDX-License-Identifier: Apache-2.0 */
#include "base/audit_log.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/ratelimit.h"

#define MOST_BYTES   ((size_t)1024 * 1024) /* that wait to be written */
#define LAST_SECONDS 2

struct audit_log {
    char *path;
    pthread_t thread;
    atomic_uint_fast64_t lost;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t arrival;
    struct buf waiting;
    size_t lines; /* in waiting */
    bool is_ending;
    struct ratelimit refused;
    /* The thread's own. */
    int file; /* -1: not open */
    bool has_failed;
};

static const struct ratelimit_rule refused_rule = {.burst = 10, .per_second = 1};

/* A disk that stays full is one line in the log. */
static void note(struct audit_log *log, int error)
{
    if (error != 0 && !log->has_failed)
        log_error("the audit log cannot be written", LOG_STR("file", log->path),
                  LOG_STR("reason", strerror(error)));
    else if (error == 0 && log->has_failed)
        log_info("the audit log is written again", LOG_STR("file", log->path));
    log->has_failed = error != 0;
}

static bool is_still_there(const struct audit_log *log)
{
    struct stat open_one, named;

    return fstat(log->file, &open_one) == 0 && stat(log->path, &named) == 0 &&
           open_one.st_ino == named.st_ino && open_one.st_dev == named.st_dev;
}

static int make_directory(const struct audit_log *log)
{
    char *path = mem_strdup(log->path);
    int rc = directory_make(dirname(path));

    free(path);
    return rc;
}

/* 0 or an errno. */
static int open_file(struct audit_log *log)
{
    if (strcmp(log->path, "-") == 0)
        log->file = STDERR_FILENO;
    if (log->file == STDERR_FILENO || (log->file >= 0 && is_still_there(log)))
        return 0;
    if (log->file >= 0)
        close(log->file);
    log->file = open(log->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (log->file < 0 && errno == ENOENT && make_directory(log) == 0)
        log->file = open(log->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    return log->file >= 0 ? 0 : errno;
}

static void write_batch(struct audit_log *log, const struct buf *batch, size_t lines)
{
    int error = open_file(log);

    if (error == 0)
        error = -file_write(log->file, batch->data, batch->length);
    if (error != 0)
        atomic_fetch_add_explicit(&log->lost, lines, memory_order_relaxed);
    note(log, error);
}

/* False when nothing comes any more. */
static bool take_batch(struct audit_log *log, struct buf *batch, size_t *lines)
{
    pthread_mutex_lock(&log->lock);
    while (log->waiting.length == 0 && !log->is_ending)
        pthread_cond_wait(&log->arrival, &log->lock);
    *batch = log->waiting;
    *lines = log->lines;
    log->waiting = (struct buf)BUF_INIT;
    log->lines = 0;
    pthread_mutex_unlock(&log->lock);
    return batch->length > 0;
}

static void *run(void *argument)
{
    struct audit_log *log = argument;
    struct buf batch;
    size_t lines;

    while (take_batch(log, &batch, &lines)) {
        write_batch(log, &batch, lines);
        buf_release(&batch);
    }
    if (log->file >= 0 && log->file != STDERR_FILENO)
        close(log->file);
    return NULL;
}

struct audit_log *audit_log_new(const char *path)
{
    struct audit_log *log = mem_zalloc(sizeof(*log));
    int error;

    log->path = mem_strdup(path);
    log->file = -1;
    pthread_mutex_init(&log->lock, NULL);
    pthread_cond_init(&log->arrival, NULL);
    ratelimit_init(&log->refused, &refused_rule, clock_monotonic_ns() / CLOCK_NS_PER_MS);
    note(log, open_file(log)); /* who starts it hears at once that it cannot be written */
    error = pthread_create(&log->thread, NULL, run, log);
    if (error == 0)
        return log;
    free(log->path);
    free(log);
    errno = error;
    return NULL;
}

void audit_log_free(struct audit_log *log)
{
    struct timespec until;

    if (!log)
        return;
    pthread_mutex_lock(&log->lock);
    log->is_ending = true;
    pthread_cond_signal(&log->arrival);
    pthread_mutex_unlock(&log->lock);
    (void)clock_gettime(CLOCK_REALTIME, &until); /* which pthread_timedjoin_np() goes by */
    until.tv_sec += LAST_SECONDS;
    if (pthread_timedjoin_np(log->thread, NULL, &until) != 0)
        return; /* its disk hangs, and it still uses the log */
    pthread_cond_destroy(&log->arrival);
    pthread_mutex_destroy(&log->lock);
    buf_release(&log->waiting);
    free(log->path);
    free(log);
}

void audit_log_write(struct audit_log *log, bool is_refused, const struct log_field *fields,
                     size_t count)
{
    const struct log_event event = {clock_wall_ms(), LOG_INFO_LEVEL, "audit", fields, count, 0};
    struct log_line line;

    if (!log)
        return;
    log_line_format(&line, LOG_FORMAT_PLAIN_JSON, &event);
    pthread_mutex_lock(&log->lock);
    if (log->waiting.length + line.length <= MOST_BYTES &&
        (!is_refused ||
         ratelimit_take(&log->refused, &refused_rule, clock_monotonic_ns() / CLOCK_NS_PER_MS))) {
        buf_append(&log->waiting, line.text, line.length);
        log->lines++;
        pthread_cond_signal(&log->arrival);
    } else {
        atomic_fetch_add_explicit(&log->lost, 1, memory_order_relaxed);
    }
    pthread_mutex_unlock(&log->lock);
}

uint64_t audit_log_lost(struct audit_log *log)
{
    return log ? atomic_load_explicit(&log->lost, memory_order_relaxed) : 0;
}
