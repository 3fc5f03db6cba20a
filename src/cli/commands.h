/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H
/* What the program does by its command line: serve, or one of the commands of cli/table.c. */
#include "cli/line.h"

/* Returns when the program is to end, with its exit status. */
enum command_exit command_run(int argc, char *argv[], char *const *environment);

#endif
