/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_COMPLETION_H
#define CLI_COMPLETION_H
/* Scripts that let a shell complete the command line. */
#include <stdbool.h>
#include <stdio.h>

/* A command or an option. */
struct completion_word {
    const char *name;
    const char *help;     /* of a command */
    const char *values;   /* words that may follow it, with blanks; "FILE": paths; "": anything */
    const char *commands; /* of an option: words, the commands that it is for; "": all */
    bool is_switch;       /* an option without a value */
};

/* Each ends with a name that is NULL. */
void completion_print_bash(const struct completion_word *commands,
                           const struct completion_word *options, FILE *to);
void completion_print_zsh(const struct completion_word *commands,
                          const struct completion_word *options, FILE *to);

#endif
