/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_NOTIFY_H
#define SERVER_NOTIFY_H
/* Tells the service manager how the server is (sd_notify(3)), where it wants to know. */

void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);
/* To be said again within WATCHDOG_USEC. */
void notify_alive(void);

#endif
