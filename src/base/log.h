/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_LOG_H
#define BASE_LOG_H
/*
 * One line per event on stderr: time, level, message, then key=value pairs (text) or one JSON
 * object (json). Values are escaped (control characters, quotes, bad UTF-8) and cut at 1 KiB.
 * A log that cannot be written is counted and otherwise ignored: it never stops the service.
 *
 *   log_info("listening", LOG_STR("address", text), LOG_INT("port", port));
 *
 * Never log a token, a payload or a whole connection id.
 */
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_DEBUG_LEVEL, LOG_INFO_LEVEL, LOG_WARN_LEVEL, LOG_ERROR_LEVEL };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

struct log_field {
    const char *key;
    const char *text; /* NULL: number counts */
    int64_t number;
};

static inline const char *log_text(const char *value)
{
    return value ? value : "";
}

#define LOG_STR(name, value) ((struct log_field){.key = (name), .text = log_text(value)})
#define LOG_INT(name, value) ((struct log_field){.key = (name), .number = (int64_t)(value)})

/* Set once by main before threads start. */
void log_open(enum log_level level, enum log_format format, int fd);
/* The same without another descriptor. Any thread. */
void log_change(enum log_level level, enum log_format format);

/* Where the log is a file, its disk may be slow, and nobody is to wait for that: between these a
 * thread of the log writes. What is more than its buffer has room for is dropped, and counted.
 * _stop waits until all is written, at most so long; also before _exit() and abort(). It is called
 * as often as one likes; who logs after it writes by itself, unless the disk hangs. */
#define LAST_WORDS_MS 1000u
void log_start(void);
void log_stop(uint32_t most_ms);

bool log_is_on(enum log_level level);
uint64_t log_dropped(void); /* lines that could not be written, or that a rate limit left out */

/* What others can provoke is at most ten lines a second of each kind, for the process: a flood of
 * one hides no other. The rest is counted. */
enum log_kind {
    LOG_UNLIMITED,
    LOG_OF_ABUSE,
    LOG_OF_TURNS,     /* that were long */
    LOG_OF_BACK_ENDS, /* that we ask, and for each purpose one more (outbound/http.h) */
    /* refusals: of what comes before HTTP/2, */
    LOG_OF_CONNECTIONS = LOG_OF_BACK_ENDS + 6,
    LOG_OF_PROXIES,
    LOG_OF_HANDSHAKES,
    /* in it, */
    LOG_OF_FRAMES,
    LOG_OF_ORIGINS,
    LOG_OF_STATUS, /* and for each status from 400 on one more: LOG_OF_STATUS + status - 400 */
    LOG_KINDS = LOG_OF_STATUS + 200
};

void log_write(enum log_kind kind, enum log_level level, const char *message,
               const struct log_field *fields, size_t count);

#define LOG_LIMITED(kind, level, message, ...)                                                     \
    do {                                                                                           \
        if (log_is_on(level)) {                                                                    \
            const struct log_field log_fields_[] = {__VA_ARGS__};                                  \
            log_write((enum log_kind)(kind), level, message, log_fields_,                          \
                      sizeof(log_fields_) / sizeof(log_fields_[0]));                               \
        }                                                                                          \
    } while (0)

#define log_debug(message, ...) LOG_LIMITED(LOG_UNLIMITED, LOG_DEBUG_LEVEL, message, __VA_ARGS__)
#define log_info(message, ...)  LOG_LIMITED(LOG_UNLIMITED, LOG_INFO_LEVEL, message, __VA_ARGS__)
#define log_warn(message, ...)  LOG_LIMITED(LOG_UNLIMITED, LOG_WARN_LEVEL, message, __VA_ARGS__)
#define log_error(message, ...) LOG_LIMITED(LOG_UNLIMITED, LOG_ERROR_LEVEL, message, __VA_ARGS__)

#define log_abuse(message, ...) LOG_LIMITED(LOG_OF_ABUSE, LOG_WARN_LEVEL, message, __VA_ARGS__)
/* Who was refused, and why: fields "address" and "reason". */
#define log_refused(kind, ...) LOG_LIMITED(kind, LOG_DEBUG_LEVEL, "refused", __VA_ARGS__)

/* ---- how a line looks ---- */

#define LOG_LINE_MAX  ((size_t)PIPE_BUF)
#define LOG_VALUE_MAX 1024u /* as written, escapes included */

struct log_line {
    size_t length;
    char text[LOG_LINE_MAX];
};

struct log_event {
    int64_t wall_ms; /* since 1970 */
    enum log_level level;
    const char *message;
    const struct log_field *fields;
    size_t count;
};

/* Text (logfmt) or one JSON object. The line ends with a newline, contains no other, and is not
 * longer than what a pipe takes in one piece; fields that have no room are left out, and cut=true
 * says so. */
void log_line_format(struct log_line *line, enum log_format format, const struct log_event *event);

#endif
