/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_LINE_H
#define CLI_LINE_H
/* The command line, taken apart, and what all commands do with it. Texts are borrowed from argv. */
#include <stddef.h>
#include <stdint.h>

#include "server/config_load.h"

enum command_exit {
    COMMAND_DONE = 0,
    COMMAND_FAILED = 1, /* while running, or the server has said no, or something was found */
    COMMAND_MISUSED = 2 /* command line or configuration; standard error says what would be right */
};

/* A member for each option (cli/table.c); NULL: not given, of a switch "" when it is. */
struct cli_line {
    struct config_sources sources;
    const char *help, *version;
    const char *out;
    /* what a token has, whom a command is about */
    const char *user, *name, *tenant, *channels, *permissions, *expires;
    const char *channel, *connection, *client, *event, *id, *address, *limit, *sort, *reverse;
    /* which server, and who asks it */
    const char *url, *service, *key, *key_file, *ca_file, *insecure, *json;
    /* of send and kick */
    const char *all, *listening, *qos, *ttl, *reason, *revoke, *stay_away;
    const char *refusals, *past, *once, *interval;
    /* of init */
    const char *origin, *base_path;
    const char *command;
    char *const *arguments;
    size_t argument_count;
};

/* Says the sentence on standard error, and COMMAND_MISUSED. */
enum command_exit cli_misuse(const char *sentence);

/* COMMAND_DONE for 0; else says what *fault is, of settings or arguments that are not right
 * (-EINVAL, -E2BIG: COMMAND_MISUSED), or of something that failed. */
enum command_exit cli_finish(int rc, const struct config_fault *fault);

/* COMMAND_DONE with *config loaded, or COMMAND_MISUSED, said. */
enum command_exit cli_load(struct config *config, const struct config_sources *sources);

/* Runs it with the settings. It returns 0, or a negative errno with *fault. */
typedef int cli_run_with(const struct cli_line *line, const struct config *config,
                         struct config_fault *fault);
enum command_exit cli_with_settings(const struct cli_line *line, cli_run_with *run);

/* What the value of an option may be. */
struct cli_range {
    const char *option; /* "--interval" */
    uint64_t low, high;
};

/* A time in ms, or a whole number. 0, or -EINVAL with *fault. */
int cli_read_time(const struct cli_range *range, const char *text, uint64_t *ms,
                  struct config_fault *fault);
int cli_read_count(const struct cli_range *range, const char *text, uint64_t *count,
                   struct config_fault *fault);

#endif
