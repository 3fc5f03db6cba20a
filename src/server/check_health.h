/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CHECK_HEALTH_H
#define SERVER_CHECK_HEALTH_H
/* The command health: what the server with these settings says of itself, for supervisors that have
 * no HTTP client, as in a container. */
#include <stddef.h>

struct config;

/* Asks /health/WHAT ("ready" or "live") of a listener, on this machine. 0: 200. -EAGAIN for another
 * status, or -ECONNREFUSED when there was no answer; fault is a sentence then. */
int check_health(const struct config *config, const char *what, char *fault, size_t fault_size);

#endif
