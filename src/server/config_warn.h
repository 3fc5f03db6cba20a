/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CONFIG_WARN_H
#define SERVER_CONFIG_WARN_H
/* Settings that are allowed, and that nobody may have meant: check-config tells of them. */
#include <stdio.h>

struct config;

/* A line for each. */
void config_warn(const struct config *config, FILE *to);

#endif
