/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_HELP_H
#define CLI_HELP_H
/* What the program says of its command line. */
#include "cli/line.h"

struct cli_command;

/* Usage, details and options of one command. */
enum command_exit cli_help_command(const struct cli_command *command);

/* Says that there is none with that name; nearest: NULL, or one that may have been meant. */
enum command_exit cli_no_command(const char *name, const char *nearest);

#endif
