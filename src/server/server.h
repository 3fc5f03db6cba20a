/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H
/* One running server: builds everything once, starts the workers, and waits for a signal. */

struct config;

/* Runs until SIGTERM or SIGINT, then drains. 0, or 1 when it could not start (said in the log). */
int server_run(const struct config *config);

#endif
