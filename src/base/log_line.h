/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_LOG_LINE_H
#define BASE_LOG_LINE_H
/* How a line of a log looks: time, level, message and fields, in one of some formats. */
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_DEBUG_LEVEL, LOG_INFO_LEVEL, LOG_WARN_LEVEL, LOG_ERROR_LEVEL };
/* The settings' words first, in their order. */
enum log_format {
    LOG_FORMAT_TEXT,       /* for people: time, level and message, then key=value pairs */
    LOG_FORMAT_LOGFMT,     /* pairs alone */
    LOG_FORMAT_JSON,       /* an object, with the names of the Elastic Common Schema */
    LOG_FORMAT_PLAIN_JSON, /* an object, with our own */
    LOG_FORMAT_COMBINED,   /* of an access log, as Apache and nginx write it */
};

struct log_field {
    const char *key;
    const char *text; /* NULL: number counts */
    int64_t number;
    const char *ecs; /* its name in LOG_FORMAT_JSON; NULL: what is usual for its key */
};

static inline const char *log_text(const char *value)
{
    return value ? value : "";
}

#define LOG_STR(name, value) ((struct log_field){.key = (name), .text = log_text(value)})
#define LOG_INT(name, value) ((struct log_field){.key = (name), .number = (int64_t)(value)})

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
    uint64_t left_out; /* lines of its kind, before this one; 0: nothing is said */
};

/* The line ends with a newline, contains no other, and is not longer than what a pipe takes in one
 * piece. Values are escaped (control characters, quotes, bad UTF-8) and cut at 1 KiB; fields that
 * have no room are left out, and cut=true says so. */
void log_line_format(struct log_line *line, enum log_format format, const struct log_event *event);

#endif
