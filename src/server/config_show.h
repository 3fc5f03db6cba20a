/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CONFIG_SHOW_H
#define SERVER_CONFIG_SHOW_H
/* The settings in use, for who operates the server (GET /settings). */
#include <stdint.h>

struct config;

/* One JSON object: {"version":1,"settings":{"log.level":"info",…}}. Instead of a secret that is set
 * stands "***", and of a URL the name and password. The caller frees it. */
char *config_show(const struct config *config, uint64_t version);

#endif
