/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the manual page that the table of the command line has, in mdoc(7). */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "cli/table.h"

#define MANUAL_WIDTH 72u /* of its source */

static void print_character(char c, bool begins_line)
{
    if (begins_line && (c == '.' || c == '\''))
        fputs("\\&", stdout);
    if (c == '\\')
        fputs("\\e", stdout);
    else if (c == '-')
        fputs("\\-", stdout);
    else
        putchar(c);
}

/* Text as it is meant: no line of it is a macro, no hyphen of an option a dash. A line end
 * separates sentences, two separate paragraphs. */
static void print_text(const char *text)
{
    for (size_t column = 0; *text != '\0'; text++) {
        const size_t word = strcspn(text + 1, " \n");

        if (strncmp(text, "\n\n", 2) == 0) {
            fputs("\n.Pp\n", stdout);
            text++;
            column = 0;
        } else if (*text == '\n' || (*text == ' ' && column + word >= MANUAL_WIDTH)) {
            putchar('\n');
            column = 0;
        } else {
            print_character(*text, column == 0);
            column++;
        }
    }
    putchar('\n');
}

/* One of several that an argument may be: a "-", a word, or in capitals what stands for others. */
static void append_choice(const char *word, size_t length, struct buf *to)
{
    if (length == 1 && *word == '-') {
        buf_append_str(to, " Fl");
        return;
    }
    buf_append_str(to, isupper((unsigned char)*word) ? " Ar " : " Cm ");
    for (size_t i = 0; i < length; i++)
        buf_append_char(to, (char)tolower((unsigned char)word[i]));
}

/* "[ready|live]" is " Op Cm ready | Cm live". */
static void append_argument(const char *word, size_t length, struct buf *to)
{
    const bool repeats = length > 3 && strncmp(word + length - 3, "...", 3) == 0;
    const char *end = word + length - (repeats ? 3 : 0);

    if (*word == '[') {
        buf_append_str(to, " Op");
        word++;
        end--;
    }
    while (word < end) {
        const char *bar = memchr(word, '|', (size_t)(end - word));

        append_choice(word, (size_t)((bar ? bar : end) - word), to);
        if (bar)
            buf_append_str(to, " |");
        word = bar ? bar + 1 : end;
    }
    if (repeats)
        buf_append_str(to, " ...");
}

/* Each argument in a line of its own, as a macro. */
static void print_arguments(const char *arguments)
{
    while (*arguments != '\0') {
        const size_t length = strcspn(arguments, " ");
        struct buf macro = BUF_INIT;

        append_argument(arguments, length, &macro);
        printf(".%s\n", buf_str(&macro) + 1);
        buf_release(&macro);
        arguments += length;
        arguments += strspn(arguments, " ");
    }
}

static void print_value(const struct cli_option *option)
{
    if (!option->value)
        return;
    fputs(" Ar ", stdout);
    for (const char *c = option->value; *c != '\0'; c++)
        putchar(tolower((unsigned char)*c));
}

static bool is_own(const struct cli_option *option, const char *command)
{
    return *command == '\0' ? *option->commands == '\0'
                            : *option->commands != '\0' && cli_option_is_for(option, command);
}

/* The options of a command, or ("") of all, in short or with what they do. */
static void print_options(const char *command, bool in_full)
{
    for (size_t i = 0; i < cli_option_count; i++) {
        const struct cli_option *option = &cli_options[i];

        if (!is_own(option, command))
            continue;
        printf(in_full ? ".It Fl -%s" : ".Op Fl -%s", option->name);
        print_value(option);
        putchar('\n');
        if (in_full)
            print_text(option->help);
    }
}

static bool has_options(const char *command)
{
    for (size_t i = 0; i < cli_option_count; i++) {
        if (is_own(&cli_options[i], command))
            return true;
    }
    return false;
}

static void print_synopsis(void)
{
    puts(".Nm");
    print_options("", false);
    for (size_t i = 0; i < cli_command_count; i++) {
        if (cli_commands[i].is_hidden)
            continue;
        printf(".Nm\n.Cm %s\n", cli_commands[i].name);
        print_options(cli_commands[i].name, false);
        print_arguments(cli_commands[i].arguments);
    }
}

static void print_command(const struct cli_command *command)
{
    printf(".It Cm %s\n", command->name);
    /* As a sentence. */
    putchar(toupper((unsigned char)*command->help));
    printf("%s.\n", command->help + 1);
    if (*command->details != '\0')
        print_text(command->details);
    if (has_options(command->name)) {
        puts(".Bl -tag -width Ds");
        print_options(command->name, true);
        puts(".El");
    }
}

static void print_commands(void)
{
    for (size_t i = 0; i < cli_command_count; i++) {
        if (!cli_commands[i].is_hidden)
            print_command(&cli_commands[i]);
    }
}

enum command_exit cli_manual(const struct cli_line *line)
{
    char *text = NULL;
    size_t size = 0;

    (void)line;
    while (getline(&text, &size, stdin) >= 0) {
        if (strcmp(text, "@SYNOPSIS@\n") == 0)
            print_synopsis();
        else if (strcmp(text, "@OPTIONS@\n") == 0)
            print_options("", true);
        else if (strcmp(text, "@COMMANDS@\n") == 0)
            print_commands();
        else
            fputs(text, stdout);
    }
    free(text);
    return ferror(stdout) || ferror(stdin) ? COMMAND_FAILED : COMMAND_DONE;
}
