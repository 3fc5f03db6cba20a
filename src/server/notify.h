/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_NOTIFY_H
#define SERVER_NOTIFY_H
/* Tells the service manager how the server is (sd_notify(3)), where it wants to know. */
#include <stddef.h>

struct watchdog;
struct worker;

void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);

/*
 * That it lives (sd_watchdog_enabled(3)): a thread asks each worker for a turn of its loop, and
 * tells the manager when all have had one. While one hangs nothing is told, and the manager ends
 * the process. Disks that hang, and a reload that takes long, do not count.
 *
 * The workers are borrowed until watchdog_rest(). NULL: nobody wants to hear, or there is no thread
 * for it (the log is told).
 */
struct watchdog *watchdog_start(struct worker *const *workers, size_t count);

/* The stop begins, which has an end of its own: workers are not asked any more, and the manager is
 * told all the same. Accepts NULL. */
void watchdog_rest(struct watchdog *watchdog);

/* When the workers have ended, which may still hold questions. Accepts NULL. */
void watchdog_free(struct watchdog *watchdog);

#endif
