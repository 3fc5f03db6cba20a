/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_WATCHDOG_H
#define SERVER_WATCHDOG_H
/*
 * Tells the service manager that the server lives, where it wants to hear that
 * (sd_watchdog_enabled(3)): a thread of its own asks all workers for a turn of their loops, and
 * tells when each has had one. While one of them hangs nothing is told, and the manager ends the
 * process. Disks that hang, and a reload that takes long, do not count.
 */
#include <stddef.h>

struct watchdog;
struct worker;

/* The workers are borrowed until watchdog_rest(). NULL: nobody wants to hear, or there is no thread
 * for it (the log is told). */
struct watchdog *watchdog_start(struct worker *const *workers, size_t count);

/* The stop begins, which has an end of its own: workers are not asked any more, and the manager is
 * told all the same. Accepts NULL. */
void watchdog_rest(struct watchdog *watchdog);

/* When the workers have ended, which may still hold questions. Accepts NULL. */
void watchdog_free(struct watchdog *watchdog);

#endif
