/* SPDX-License-Identifier: Apache-2.0 */
#include "base/audit_log.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/log_file.h"
#include "base/mem.h"
#include "base/ratelimit.h"

#define MOST_BYTES ((size_t)1024 * 1024) /* that wait to be written */

struct audit_log {
    struct log_file *file;
    pthread_mutex_t lock; /* guards what follows */
    struct ratelimit refused;
};

static const struct ratelimit_rule refused_rule = {.burst = 10, .per_second = 1};

static uint64_t now_ms(void)
{
    return clock_monotonic_ns() / CLOCK_NS_PER_MS;
}

struct audit_log *audit_log_new(const char *path)
{
    const struct log_file_options options = {
        .name = "audit log",
        .path = path,
        .standard = STDERR_FILENO,
        .mode = 0600,
        .most_bytes = MOST_BYTES,
    };
    struct log_file *file = log_file_new(&options);
    struct audit_log *log;

    if (!file)
        return NULL;
    log = mem_zalloc(sizeof(*log));
    log->file = file;
    pthread_mutex_init(&log->lock, NULL);
    ratelimit_init(&log->refused, &refused_rule, now_ms());
    return log;
}

void audit_log_free(struct audit_log *log)
{
    if (!log)
        return;
    log_file_free(log->file);
    pthread_mutex_destroy(&log->lock);
    free(log);
}

static bool is_within_limit(struct audit_log *log)
{
    bool is_within;

    pthread_mutex_lock(&log->lock);
    is_within = ratelimit_take(&log->refused, &refused_rule, now_ms());
    pthread_mutex_unlock(&log->lock);
    return is_within;
}

void audit_log_write(struct audit_log *log, bool is_refused, const struct log_field *fields,
                     size_t count)
{
    const struct log_event event = {clock_wall_ms(), LOG_INFO_LEVEL, "audit", fields, count, 0};
    struct log_line line;

    if (!log)
        return;
    if (is_refused && !is_within_limit(log)) {
        log_file_leave_out(log->file);
        return;
    }
    log_line_format(&line, LOG_FORMAT_PLAIN_JSON, &event);
    log_file_write(log->file, line.text, line.length);
}

uint64_t audit_log_lost(struct audit_log *log)
{
    return log ? log_file_lost(log->file) : 0;
}
