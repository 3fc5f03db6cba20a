/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/help.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cli/completion.h"
#include "cli/print.h"
#include "cli/table.h"
#include "server/config_keys.h"
#include "server/version.h"

#define OPTION_COLUMN 22u

static void print_option(const struct cli_option *option)
{
    char name[60];
    int length = snprintf(name, sizeof(name), "  --%s%s%s", option->name, option->value ? " " : "",
                          option->value ? option->value : "");

    if (length < (int)OPTION_COLUMN - 1)
        printf("%-*s", (int)OPTION_COLUMN, name);
    else
        printf("%s\n%*s", name, (int)OPTION_COLUMN, "");
    cli_print_wrapped(option->help, OPTION_COLUMN, OPTION_COLUMN);
}

static void print_flag(const char *name, const char *help)
{
    printf("%-*s%s\n", (int)OPTION_COLUMN, name, help);
}

enum command_exit cli_help_command(const struct cli_command *command)
{
    bool has_options = false;

    printf("usage: sse-server [OPTION]... %s%s%s\n\n", command->name,
           *command->arguments != '\0' ? " " : "", command->arguments);
    cli_print_wrapped(command->help, 0, 0);
    if (*command->details != '\0') {
        putchar('\n');
        cli_print_wrapped(command->details, 0, 0);
    }
    for (size_t i = 0; i < cli_option_count; i++) {
        if (*cli_options[i].commands == '\0' || !cli_option_is_for(&cli_options[i], command->name))
            continue;
        if (!has_options)
            putchar('\n');
        has_options = true;
        print_option(&cli_options[i]);
    }
    puts("\nAnd the options of all commands: see sse-server help.");
    return COMMAND_DONE;
}

static void print_summary(void)
{
    puts("usage: sse-server [OPTION]... [COMMAND]\n"
         "\n"
         "Serves event streams, JSON requests and uploads to browsers over HTTP/2. Without a\n"
         "configuration it runs the demo on https://localhost:8443.\n");
    for (size_t i = 0; i < cli_option_count; i++) {
        if (*cli_options[i].commands == '\0')
            print_option(&cli_options[i]);
    }
    print_flag("  -h, --help", "print this, or what the command says of itself");
    print_flag("  -V, --version", "print the version");
    puts("\ncommands:");
    for (size_t i = 0; i < cli_command_count; i++) {
        char name[40];

        if (cli_commands[i].is_hidden)
            continue;
        snprintf(name, sizeof(name), "%s %s", cli_commands[i].name, cli_commands[i].arguments);
        printf("  %-24s %s\n", name, cli_commands[i].help);
    }
    puts("\nEach has options of its own: sse-server help COMMAND.\n"
         "Every setting is also a variable of the environment: see default-config, which says as\n"
         "well which of them a reload changes, and which the next start only.");
}

enum command_exit cli_no_command(const char *name, const char *nearest)
{
    fprintf(stderr, "sse-server: there is no command \"%.60s\"%s%s\nTry: sse-server --help\n", name,
            nearest ? "; the nearest is " : "", nearest ? nearest : "");
    return COMMAND_MISUSED;
}

enum command_exit cli_help(const struct cli_line *line)
{
    const char *nearest = NULL;
    const struct cli_command *command;

    if (line->argument_count == 0) {
        print_summary();
        return COMMAND_DONE;
    }
    command = cli_command_find(line->arguments[0], &nearest);
    return command ? cli_help_command(command) : cli_no_command(line->arguments[0], nearest);
}

enum command_exit cli_version(const struct cli_line *line)
{
    (void)line;
    printf("sse-server %s\n", server_version);
    return COMMAND_DONE;
}

/* The words that a setting may have, such as "debug info warn error". */
static void append_words(const char *name, struct buf *to)
{
    const struct config_key *key = config_key_find(name);

    for (const char *const *word = key ? key->words : NULL; word && *word; word++)
        buf_printf(to, "%s%s", to->length > 0 ? " " : "", *word);
}

struct completion_texts {
    struct buf values, commands;
};

static void list_commands(struct completion_word *words)
{
    for (size_t i = 0; i < cli_command_count; i++) {
        if (!cli_commands[i].is_hidden)
            *words++ = (struct completion_word){cli_commands[i].name, cli_commands[i].help,
                                                cli_commands[i].values, "", false};
    }
}

/* Where a name is in several rows, they are one option for all their commands. */
static void add_option(struct completion_word *words, struct completion_texts *texts,
                       const struct cli_option *option)
{
    size_t at = 0;

    while (words[at].name && strcmp(words[at].name, option->name) != 0)
        at++;
    if (!words[at].name)
        append_words(option->completes, &texts[at].values);
    buf_printf(&texts[at].commands, "%s%s", texts[at].commands.length > 0 ? ", " : "",
               option->commands);
    words[at] = (struct completion_word){
        option->name, "",
        strcmp(option->completes, "FILE") == 0 ? option->completes : buf_str(&texts[at].values),
        buf_str(&texts[at].commands), !option->value};
}

enum command_exit cli_completion(const struct cli_line *line)
{
    const char *shell = line->argument_count > 0 ? line->arguments[0] : "";
    struct completion_word *commands, *options;
    struct completion_texts *texts;

    if (strcmp(shell, "bash") != 0 && strcmp(shell, "zsh") != 0)
        return cli_misuse("completion is for bash or zsh");
    commands = mem_zalloc((cli_command_count + 1) * sizeof(*commands));
    options = mem_zalloc((cli_option_count + 1) * sizeof(*options));
    texts = mem_zalloc(cli_option_count * sizeof(*texts));
    list_commands(commands);
    for (size_t i = 0; i < cli_option_count; i++)
        add_option(options, texts, &cli_options[i]);
    if (strcmp(shell, "bash") == 0)
        completion_print_bash(commands, options, stdout);
    else
        completion_print_zsh(commands, options, stdout);
    for (size_t i = 0; i < cli_option_count; i++) {
        buf_release(&texts[i].values);
        buf_release(&texts[i].commands);
    }
    free(texts);
    free(options);
    free(commands);
    return COMMAND_DONE;
}
