/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_AUDIT_LOG_H
#define BASE_AUDIT_LOG_H
/*
 * The audit log: one JSON object a line, in a file of its own (base/log_file.h).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct audit_log;
struct log_field;

/* path is copied; "-": standard error. NULL with errno when there can be no thread. */
struct audit_log *audit_log_new(const char *path);

/* Writes what is left, for two seconds at the most. Accepts NULL. */
void audit_log_free(struct audit_log *log);

/* Any thread; never waits for a disk. is_refused: somebody may not do it, which strangers can make
 * as many of as they like: one a second and ten at a time are written. NULL: nothing happens. */
void audit_log_write(struct audit_log *log, bool is_refused, const struct log_field *fields,
                     size_t count);

/* Lines that were not written. */
uint64_t audit_log_lost(struct audit_log *log);

#endif
