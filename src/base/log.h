/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_LOG_H
#define BASE_LOG_H
/*
 * One line per event on stderr (base/log_line.h).
 * A log that cannot be written is counted and otherwise ignored: it never stops the service.
 *
 *   log_info("listening", LOG_STR("address", text), LOG_INT("port", port));
 *
 * Never log a token, a payload or a whole connection id.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log_line.h"

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
 * one hides no other. The rest is counted, and the next line of the kind says how many. */
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
    /* what is none: */
    LOG_OF_ANSWERS,
    LOG_OF_SLOW_ANSWERS,
    LOG_OF_OPENED, /* event streams, */
    LOG_OF_ENDED,
    /* and again refusals: */
    LOG_OF_STATUS, /* and for each status from 400 on one more: LOG_OF_STATUS + status - 400 */
    LOG_KINDS = LOG_OF_STATUS + 200
};

/* For lines that cost something to make: whether one of that kind would be written now. One that
 * would not is counted as left out. */
bool log_is_wanted(enum log_kind kind, enum log_level level);

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

#endif
