/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/help.h"
#include "cli/table.h"
#include "server/libraries.h"
#include "server/server.h"
#include "server/tls_memory.h"

static enum command_exit serve(const struct cli_line *line)
{
    struct config *config = mem_alloc(sizeof(*config)); /* too large to stay on a stack */
    enum command_exit status;

    server_hold_signals();
    status = cli_load(config, &line->sources);
    if (status != COMMAND_DONE) {
        free(config);
        return status;
    }
    log_open(config->log_level, config->log_format, STDERR_FILENO);
    return server_run(config, &line->sources) == 0 ? COMMAND_DONE : COMMAND_FAILED;
}

enum { FIRST = 256 };

/* A name may be in several rows, with one member. */
static size_t list_options(struct option *options)
{
    size_t count = 0;

    options[count++] = (struct option){"help", no_argument, NULL, 'h'};
    options[count++] = (struct option){"version", no_argument, NULL, 'V'};
    for (size_t i = 0; i < cli_option_count; i++) {
        const struct cli_option *row = &cli_options[i];
        bool is_listed = false;

        for (size_t known = 0; known < count; known++)
            is_listed = is_listed || strcmp(options[known].name, row->name) == 0;
        if (!is_listed)
            options[count++] = (struct option){
                row->name, row->value ? required_argument : no_argument, NULL, FIRST + (int)i};
    }
    return count;
}

/* Takes the options; false when one is not right (said on standard error). */
static bool parse_options(struct cli_line *line, int argc, char *argv[])
{
    struct option *options = mem_zalloc((cli_option_count + 3) * sizeof(*options));
    bool is_right = true;

    (void)list_options(options);
    for (int option = 0;
         is_right && (option = getopt_long(argc, argv, "hV", options, NULL)) != -1;) {
        if (option >= FIRST)
            *cli_option_value(line, &cli_options[option - FIRST]) = optarg ? optarg : "";
        else if (option == 'h')
            line->help = "";
        else if (option == 'V')
            line->version = "";
        else
            is_right = false; /* getopt_long has said which */
    }
    free(options);
    return is_right;
}

/* Whether a row of the same name is for the command; else *those are the commands that it is for.
 */
static bool has_use(const struct cli_option *option, const char *command, struct buf *those)
{
    for (size_t i = 0; i < cli_option_count; i++) {
        if (strcmp(cli_options[i].name, option->name) != 0)
            continue;
        if (cli_option_is_for(&cli_options[i], command))
            return true;
        buf_printf(those, "%s%s", those->length > 0 ? ", " : "", cli_options[i].commands);
    }
    return false;
}

/* Whether the command ("": serving) has a use for all options; else COMMAND_MISUSED. */
static enum command_exit check_use(struct cli_line *line, const char *command)
{
    enum command_exit status = COMMAND_DONE;

    for (size_t i = 0; status == COMMAND_DONE && i < cli_option_count; i++) {
        struct buf those = BUF_INIT;

        if (cli_option_text(line, &cli_options[i]) && !has_use(&cli_options[i], command, &those)) {
            fprintf(stderr, "sse-server: --%s is for %s only\nTry: sse-server --help\n",
                    cli_options[i].name, buf_str(&those));
            status = COMMAND_MISUSED;
        }
        buf_release(&those);
    }
    return status;
}

static enum command_exit misuse_of(const struct cli_command *command)
{
    fprintf(stderr, "sse-server: usage: sse-server %s %s\nTry: sse-server help %s\n", command->name,
            command->arguments, command->name);
    return COMMAND_MISUSED;
}

static enum command_exit run_command(struct cli_line *line)
{
    const char *nearest = NULL;
    const struct cli_command *command = cli_command_find(line->command, &nearest);

    if (!command)
        return cli_no_command(line->command, nearest);
    if (line->help)
        return cli_help_command(command);
    if (line->argument_count > command->most)
        return cli_misuse("too many arguments for that command");
    if (check_use(line, command->name) != COMMAND_DONE)
        return COMMAND_MISUSED;
    if (line->argument_count < command->least)
        return misuse_of(command);
    return command->run ? command->run(line) : cli_with_settings(line, command->run_with);
}

/* What could not be printed is not done. Of a pipe it is the reader who has had enough. */
static enum command_exit finish_output(enum command_exit status)
{
    struct stat output;
    const bool is_written = fflush(stdout) == 0 && !ferror(stdout);

    if (is_written || fstat(STDOUT_FILENO, &output) != 0 || S_ISFIFO(output.st_mode) ||
        S_ISSOCK(output.st_mode))
        return status;
    fputs("sse-server: standard output cannot be written\n", stderr);
    return status == COMMAND_DONE ? COMMAND_FAILED : status;
}

enum command_exit command_run(int argc, char *argv[], char *const *environment)
{
    struct cli_line line = {.sources = {.environment = environment}};

    libraries_prepare();
    tls_memory_begin();
    if (!parse_options(&line, argc, argv))
        return cli_misuse("that is no option, or its argument is missing");
    if (line.version)
        return finish_output(cli_version(&line));
    if (optind == argc && line.help)
        return finish_output(cli_help(&line));
    if (optind == argc)
        return check_use(&line, "") == COMMAND_DONE ? serve(&line) : COMMAND_MISUSED;
    line.command = argv[optind];
    line.arguments = argv + optind + 1;
    line.argument_count = (size_t)(argc - optind - 1);
    return finish_output(run_command(&line));
}
