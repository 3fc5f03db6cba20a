/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H
/* One running server: builds everything once, starts the workers, and waits for a signal. */

struct config;
struct config_sources;

/* Blocks the signals that server_run() waits for, before there are threads: what comes before it
 * waits is not lost, and ends nothing. */
void server_hold_signals(void);

/* Runs until SIGTERM or SIGINT, then drains. Takes over the settings, which are on the heap; SIGHUP
 * reads them anew from the sources. 0, or 1 when it could not start (said in the log). */
int server_run(struct config *config, const struct config_sources *sources);

#endif
