/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H
/*
 * THE table of the command line: a row for each command, and one for each option and the commands
 * that it means the same for. It is the parser, the help, the completion of shells and the synopsis
 * of the manual page; a new command is one row and one function.
 */
#include <stdbool.h>
#include <stddef.h>

#include "cli/line.h"

struct cli_command {
    const char *name;
    const char *arguments; /* as the help has them: "FILE", "[NAME]...", "bash|zsh" */
    const char *help;      /* one line */
    const char *details;   /* sentences, each in a line; an empty line begins a paragraph */
    size_t least, most;    /* arguments */
    enum command_exit (*run)(const struct cli_line *line); /* alone, or with settings: */
    cli_run_with *run_with;
    const char *values; /* of the argument: words, "FILE": paths, "": none to offer */
    bool is_hidden;     /* for the build */
};

struct cli_option {
    const char *name;
    size_t offset;         /* of its member of struct cli_line */
    const char *commands;  /* words; "": all, and serving */
    const char *value;     /* "FILE"; NULL: a switch */
    const char *completes; /* "FILE", the setting whose words it may have, or "" */
    const char *help;      /* one line */
};

extern const struct cli_command cli_commands[];
extern const size_t cli_command_count;
extern const struct cli_option cli_options[];
extern const size_t cli_option_count;

/* What they do: about settings and credentials (cli/local.c), */
enum command_exit cli_check_config(const struct cli_line *line);
enum command_exit cli_default_config(const struct cli_line *line);
enum command_exit cli_make_key(const struct cli_line *line);
enum command_exit cli_check_token(const struct cli_line *line);
cli_run_with cli_make_certificate, cli_make_token;

/* a new configuration (cli/init.c), and what is wrong with a set-up (cli/doctor.c), */
enum command_exit cli_doctor(const struct cli_line *line);
enum command_exit cli_init(const struct cli_line *line);

/* the server that runs with the same settings (cli/running.c), */
enum command_exit cli_reload(const struct cli_line *line);
enum command_exit cli_back_up(const struct cli_line *line);
enum command_exit cli_health(const struct cli_line *line);

/* any server, by HTTP (cli/send.c, cli/lists.c, cli/top.c,
 * cli/bench.c, cli/tail.c, cli/why.c), */
enum command_exit cli_send(const struct cli_line *line);
enum command_exit cli_kick(const struct cli_line *line);
enum command_exit cli_users(const struct cli_line *line);
enum command_exit cli_connections(const struct cli_line *line);
enum command_exit cli_top(const struct cli_line *line);
enum command_exit cli_bench(const struct cli_line *line);
enum command_exit cli_tail(const struct cli_line *line);
enum command_exit cli_why(const struct cli_line *line);

/* and the command line itself (cli/help.c, cli/manual.c). cli_manual() copies standard input, in
 * mdoc(7); instead of a line that is @SYNOPSIS@, @OPTIONS@ or @COMMANDS@ comes what that says. */
enum command_exit cli_help(const struct cli_line *line);
enum command_exit cli_version(const struct cli_line *line);
enum command_exit cli_completion(const struct cli_line *line);
enum command_exit cli_manual(const struct cli_line *line);

/* NULL: there is none; then *nearest is one that may have been meant, or NULL. */
const struct cli_command *cli_command_find(const char *name, const char **nearest);

/* Whether the option is for the command; "": for serving. */
bool cli_option_is_for(const struct cli_option *option, const char *command);

/* The member of its value; and that: NULL when it is not given, "" of a switch that is. */
const char **cli_option_value(struct cli_line *line, const struct cli_option *option);
const char *cli_option_text(const struct cli_line *line, const struct cli_option *option);

#endif
