/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/ratelimit.h"
#include "base/text.h"

/* What a line needs in the end, whatever did not fit before: ,"cut":true} and the newline. */
#define END_ROOM 16u

static const char *const level_names[] = {"debug", "info", "warn", "error"};

/* Where the text of one value goes, and how far it may. */
struct writer {
    char *at;
    const char *end;
    enum log_format format;
};

static bool put(struct writer *to, const char *text, size_t length)
{
    if ((size_t)(to->end - to->at) < length)
        return false;
    memcpy(to->at, text, length);
    to->at += length;
    return true;
}

static bool put_str(struct writer *to, const char *text)
{
    return put(to, text, strlen(text));
}

/* '\0' when there is none. */
static char short_escape(char c)
{
    static const char named[] = "\"\"\\\\\nn\rr\tt";

    for (const char *pair = named; *pair != '\0'; pair += 2) {
        if (pair[0] == c)
            return pair[1];
    }
    return '\0';
}

/* U+0080 to U+009F: terminals take some of them for the start of a command, as they do ESC. */
static bool is_c1_control(const char *text, size_t length)
{
    return length == 2 && (unsigned char)text[0] == 0xC2 && (unsigned char)text[1] < 0xA0;
}

static bool put_escaped_byte(struct writer *to, unsigned char byte, bool well_formed)
{
    char escape[8];
    int length;

    if (to->format == LOG_FORMAT_TEXT)
        length = snprintf(escape, sizeof(escape), "\\x%02x", byte);
    else
        length = snprintf(escape, sizeof(escape), "\\u%04x", well_formed ? byte : 0xFFFDu);
    return put(to, escape, (size_t)length);
}

/* Writes the character at text and returns its length in bytes, or 0 when it does not fit. */
static size_t put_char(struct writer *to, const char *text, size_t left)
{
    unsigned char c = (unsigned char)text[0];
    size_t length = utf8_char_length(text, left);
    char escape[] = {'\\', '\0'};

    if (length == 0)
        return put_escaped_byte(to, c, false) ? 1 : 0;
    if (is_c1_control(text, length) && to->format == LOG_FORMAT_JSON)
        return put_escaped_byte(to, (unsigned char)text[1], true) ? 2 : 0;
    if (is_c1_control(text, length))
        return put_escaped_byte(to, c, true) ? 1 : 0; /* its second byte follows as a bad one */
    escape[1] = short_escape(text[0]);
    if (escape[1] != '\0')
        return put(to, escape, sizeof(escape)) ? 1 : 0;
    if (c < 0x20 || c == 0x7F)
        return put_escaped_byte(to, c, true) ? 1 : 0;
    return put(to, text, length) ? length : 0;
}

/* As much of the text as fits into the line and into LOG_VALUE_MAX. */
static void put_value(struct writer *to, const char *text)
{
    struct writer value = *to;
    size_t left = strlen(text);

    if ((size_t)(value.end - value.at) > LOG_VALUE_MAX)
        value.end = value.at + LOG_VALUE_MAX;
    while (left > 0) {
        size_t step = put_char(&value, text, left);

        if (step == 0)
            break;
        text += step;
        left -= step;
    }
    to->at = value.at;
}

/* logfmt readers split at spaces and at the first '='. */
static bool needs_quotes(const char *text)
{
    if (*text == '\0')
        return true;
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c >= 0x7F)
            return true;
    }
    return false;
}

static bool put_quoted(struct writer *to, const char *text)
{
    struct writer inside = *to;

    if (!put(&inside, "\"", 1) || inside.at == inside.end)
        return false;
    inside.end--; /* for the closing quote */
    put_value(&inside, text);
    *inside.at++ = '"';
    to->at = inside.at;
    return true;
}

static bool put_field_value(struct writer *to, const struct log_field *field)
{
    char number[24];

    if (field->text == NULL) {
        (void)snprintf(number, sizeof(number), "%" PRId64, field->number);
        return put_str(to, number);
    }
    if (to->format == LOG_FORMAT_JSON || needs_quotes(field->text))
        return put_quoted(to, field->text);
    put_value(to, field->text);
    return true;
}

/* The whole field, or nothing and false. Keys are ours and need no escapes. */
static bool put_field(struct writer *to, const struct log_field *field)
{
    bool json = to->format == LOG_FORMAT_JSON;
    struct writer attempt = *to;

    if (!put_str(&attempt, json ? ",\"" : " ") || !put_str(&attempt, field->key) ||
        !put_str(&attempt, json ? "\":" : "=") || !put_field_value(&attempt, field))
        return false;
    to->at = attempt.at;
    return true;
}

static void put_time(struct writer *to, int64_t wall_ms)
{
    time_t second = (time_t)(wall_ms / 1000);
    struct tm utc = {0};
    char text[64];
    size_t length;

    (void)gmtime_r(&second, &utc);
    length = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
    (void)snprintf(text + length, sizeof(text) - length, ".%03uZ", (unsigned)(wall_ms % 1000));
    put_str(to, text);
}

static void put_head(struct writer *to, const struct log_event *event)
{
    const bool json = to->format == LOG_FORMAT_JSON;

    put_str(to, json ? "{\"time\":\"" : "");
    put_time(to, event->wall_ms);
    put_str(to, json ? "\",\"level\":\"" : " ");
    put_str(to, level_names[event->level]);
    put_str(to, json ? "\",\"message\":" : " ");
    if (json)
        put_quoted(to, event->message);
    else
        put_value(to, event->message);
}

void log_line_format(struct log_line *line, enum log_format format, const struct log_event *event)
{
    struct writer to = {line->text, line->text + sizeof(line->text) - END_ROOM, format};
    bool whole = true;

    put_head(&to, event);
    for (size_t i = 0; i < event->count; i++)
        whole &= put_field(&to, &event->fields[i]);
    to.end = line->text + sizeof(line->text);
    if (!whole)
        put_str(&to, format == LOG_FORMAT_JSON ? ",\"cut\":true" : " cut=true");
    put_str(&to, format == LOG_FORMAT_JSON ? "}\n" : "\n");
    line->length = (size_t)(to.at - line->text);
}

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

static bool is_within_limit(enum log_kind kind)
{
    bool is_within;

    if (kind == LOG_UNLIMITED)
        return true;
    pthread_mutex_lock(&process_log.lock);
    is_within = ratelimit_take(&process_log.limits[kind], &limited_rule,
                               clock_monotonic_ns() / CLOCK_NS_PER_MS);
    pthread_mutex_unlock(&process_log.lock);
    return is_within;
}

void log_write(enum log_kind kind, enum log_level level, const char *message,
               const struct log_field *fields, size_t count)
{
    const struct log_event event = {clock_wall_ms(), level, message, fields, count};
    int saved_errno = errno;
    struct log_line line;
    int format;

    if (!log_is_on(level))
        return;
    if (!is_within_limit(kind)) {
        drop();
        return;
    }
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
