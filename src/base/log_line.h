/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_LOG_LINE_H
#define BASE_LOG_LINE_H
/*
 * How a line of the log looks: text (logfmt) or one JSON object. It ends with a newline, contains
 * no other, and is not longer than what a pipe takes in one piece; fields that have no room are
 * left out, and cut=true says so.
 */
#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"

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

void log_line_format(struct log_line *line, enum log_format format, const struct log_event *event);

#endif
