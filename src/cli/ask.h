/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_ASK_H
#define CLI_ASK_H
/* A command that asks a server: finds it, asks, and says what came of it. */
#include "cli/http.h"
#include "cli/line.h"

/* permission: that the key needs. ask returns 0, or a negative errno with *fault. */
enum command_exit cli_ask_with(const struct cli_line *line, const char *permission,
                               int (*ask)(const struct cli_line *line, struct cli_http *http,
                                          struct config_fault *fault));

#endif
