/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_LOG_FILE_H
#define BASE_LOG_FILE_H
/*
 * A log in a file of its own. A thread writes it, so that nobody waits for its disk, or for who
 * reads a pipe. Lines that do not fit meanwhile are counted. A file that was renamed or removed, as
 * by logrotate, is made anew; a truncated one goes on at its beginning.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct log_file;

struct log_file_options {
    const char *name;  /* for our own log: "audit log"; static */
    const char *path;  /* copied; "-": the descriptor below */
    int standard;      /* STDOUT_FILENO, say */
    mode_t mode;       /* of a file that is made */
    size_t most_bytes; /* that wait to be written */
};

/* NULL with errno when there can be no thread. What cannot be opened is told, and tried again. */
struct log_file *log_file_new(const struct log_file_options *options);

/* Writes what is left, for two seconds at the most. Accepts NULL. */
void log_file_free(struct log_file *log);

/* Any thread; never waits for a disk. A whole line, with its end. */
void log_file_write(struct log_file *log, const char *line, size_t length);
/* Its writer leaves one out. */
void log_file_leave_out(struct log_file *log);

/* Closes it, so that the next line opens what its path is then. Accepts NULL. */
void log_file_reopen(struct log_file *log);

/* Lines that were not written. 0 of NULL. */
uint64_t log_file_lost(const struct log_file *log);

#endif
