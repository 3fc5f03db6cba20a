/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_COMMANDS_H
#define SERVER_COMMANDS_H
/* What the program does by its command line: serve, or one of the commands of `help`. */

enum command_exit {
    COMMAND_DONE = 0,
    COMMAND_FAILED = 1, /* while running; the log says why */
    COMMAND_MISUSED = 2 /* command line or configuration; standard error says what would be right */
};

/* Returns when the program is to end, with its exit status. */
enum command_exit command_run(int argc, char *argv[], char *const *environment);

#endif
