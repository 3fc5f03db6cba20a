/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

#define LAST_SECONDS 2

struct log_file {
    struct log_file_options options;
    char *path;
    pthread_t thread;
    atomic_uint_fast64_t lost;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t arrival;
    struct buf waiting;
    size_t lines; /* in waiting */
    bool is_ending, is_to_reopen;
    /* The thread's own. */
    int file; /* -1: not open */
    bool has_failed;
};

/* A disk that stays full is one line in the log. */
static void note(struct log_file *log, int error)
{
    char message[80];

    if (error != 0 && !log->has_failed) {
        snprintf(message, sizeof(message), "the %s cannot be written", log->options.name);
        log_error(message, LOG_STR("file", log->path), LOG_STR("reason", strerror(error)));
    } else if (error == 0 && log->has_failed) {
        snprintf(message, sizeof(message), "the %s is written again", log->options.name);
        log_info(message, LOG_STR("file", log->path));
    }
    log->has_failed = error != 0;
}

static bool is_standard(const struct log_file *log)
{
    return strcmp(log->path, "-") == 0;
}

static bool is_still_there(const struct log_file *log)
{
    struct stat open_one, named;

    return fstat(log->file, &open_one) == 0 && stat(log->path, &named) == 0 &&
           open_one.st_ino == named.st_ino && open_one.st_dev == named.st_dev;
}

static int make_directory(const struct log_file *log)
{
    char *path = mem_strdup(log->path);
    int rc = directory_make(dirname(path));

    free(path);
    return rc;
}

static void close_file(struct log_file *log)
{
    if (log->file >= 0 && !is_standard(log))
        close(log->file);
    log->file = -1;
}

/* A pipe that nobody reads is not waited for: it fails, and is tried again with the next lines. */
static int try_open(struct log_file *log)
{
    log->file =
        open(log->path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_CLOEXEC, log->options.mode);
    if (log->file < 0)
        return errno;
    (void)fcntl(log->file, F_SETFL, O_APPEND);
    return 0;
}

/* 0 or an errno. */
static int open_file(struct log_file *log)
{
    int error;

    if (is_standard(log))
        log->file = log->options.standard;
    if (is_standard(log) || (log->file >= 0 && is_still_there(log)))
        return 0;
    close_file(log);
    error = try_open(log);
    return error == ENOENT && make_directory(log) == 0 ? try_open(log) : error;
}

static void write_batch(struct log_file *log, const struct buf *batch, size_t lines)
{
    int error = open_file(log);

    if (error == 0)
        error = -file_write(log->file, batch->data, batch->length);
    if (error != 0)
        atomic_fetch_add_explicit(&log->lost, lines, memory_order_relaxed);
    note(log, error);
}

/* False when nothing comes any more. An empty batch: the file is to be closed. */
static bool take_batch(struct log_file *log, struct buf *batch, size_t *lines)
{
    bool goes_on;

    pthread_mutex_lock(&log->lock);
    while (log->waiting.length == 0 && !log->is_ending && !log->is_to_reopen)
        pthread_cond_wait(&log->arrival, &log->lock);
    goes_on = log->waiting.length > 0 || !log->is_ending;
    if (log->is_to_reopen)
        close_file(log);
    log->is_to_reopen = false;
    *batch = log->waiting;
    *lines = log->lines;
    log->waiting = (struct buf)BUF_INIT;
    log->lines = 0;
    pthread_mutex_unlock(&log->lock);
    return goes_on;
}

static void *run(void *argument)
{
    struct log_file *log = argument;
    struct buf batch;
    size_t lines;

    while (take_batch(log, &batch, &lines)) {
        if (batch.length > 0)
            write_batch(log, &batch, lines);
        buf_release(&batch);
    }
    close_file(log);
    return NULL;
}

struct log_file *log_file_new(const struct log_file_options *options)
{
    struct log_file *log = mem_zalloc(sizeof(*log));
    int error;

    log->options = *options;
    log->path = mem_strdup(options->path);
    log->file = -1;
    pthread_mutex_init(&log->lock, NULL);
    pthread_cond_init(&log->arrival, NULL);
    note(log, open_file(log)); /* who starts it hears at once that it cannot be written */
    error = pthread_create(&log->thread, NULL, run, log);
    if (error == 0)
        return log;
    close_file(log);
    free(log->path);
    free(log);
    errno = error;
    return NULL;
}

static void wake(struct log_file *log, bool *why)
{
    pthread_mutex_lock(&log->lock);
    *why = true;
    pthread_cond_signal(&log->arrival);
    pthread_mutex_unlock(&log->lock);
}

void log_file_free(struct log_file *log)
{
    struct timespec until;

    if (!log)
        return;
    wake(log, &log->is_ending);
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

void log_file_write(struct log_file *log, const char *line, size_t length)
{
    bool has_room;

    pthread_mutex_lock(&log->lock);
    has_room = log->waiting.length + length <= log->options.most_bytes;
    if (has_room) {
        if (log->waiting.length == 0)
            pthread_cond_signal(&log->arrival);
        buf_append(&log->waiting, line, length);
        log->lines++;
    }
    pthread_mutex_unlock(&log->lock);
    if (!has_room)
        log_file_leave_out(log);
}

void log_file_leave_out(struct log_file *log)
{
    atomic_fetch_add_explicit(&log->lost, 1, memory_order_relaxed);
}

void log_file_reopen(struct log_file *log)
{
    if (log)
        wake(log, &log->is_to_reopen);
}

uint64_t log_file_lost(const struct log_file *log)
{
    return log ? atomic_load_explicit(&log->lost, memory_order_relaxed) : 0;
}
