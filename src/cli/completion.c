/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/completion.h"

#include <stdbool.h>
#include <string.h>

#include "base/text.h"

#define FILES "FILE"

static bool is_file(const struct completion_word *word)
{
    return strcmp(word->values, FILES) == 0;
}

/* What bash offers behind an option, or (dashes "") behind a command where no option is begun. */
static void print_bash_values(const struct completion_word *word, const char *dashes, FILE *to)
{
    fprintf(to, "    %s%s) %s", dashes, word->name, *dashes == '\0' ? "[[ $word != -* ]] && " : "");
    if (is_file(word))
        fputs("compopt -o filenames && mapfile -t COMPREPLY < <(compgen -f -- \"$word\")", to);
    else
        fprintf(to, "offer '%s'", word->values);
    fputs(" && return ;;\n", to);
}

static void print_bash_options(const struct completion_word *options, const char *command, FILE *to)
{
    for (; options->name; options++) {
        if (*command == '\0' ? *options->commands == '\0' : words_have(options->commands, command))
            fprintf(to, " --%s", options->name);
    }
}

void completion_print_bash(const struct completion_word *commands,
                           const struct completion_word *options, FILE *to)
{
    const struct completion_word *word;

    fputs("# Completion of sse-server for bash; made by \"sse-server completion bash\".\n"
          "_sse_server()\n{\n"
          "    local word=$2 command='' options='' i\n"
          "    offer() { mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$word\"); }\n"
          "    case $3 in\n",
          to);
    for (word = options; word->name; word++) {
        if (!word->is_switch)
            print_bash_values(word, "--", to);
    }
    for (word = commands; word->name; word++) {
        if (*word->values != '\0')
            print_bash_values(word, "", to);
    }
    fputs(
        "    esac\n    for ((i = 1; i < COMP_CWORD; i++)); do\n        case ${COMP_WORDS[i]} in\n",
        to);
    for (word = commands; word->name; word++) {
        fprintf(to, "        %s) command=%s options='", word->name, word->name);
        print_bash_options(options, word->name, to);
        fputs("' ;;\n", to);
    }
    fputs("        esac\n    done\n    if [[ $word = -* ]]; then\n        offer \"$options", to);
    print_bash_options(options, "", to);
    fputs(" --help --version\"\n    elif [[ -z $command ]]; then\n        offer '", to);
    for (word = commands; word->name; word++)
        fprintf(to, "%s%s", word == commands ? "" : " ", word->name);
    fputs("'\n    fi\n}\ncomplete -F _sse_server sse-server\n", to);
}

/* Inside single quotes. */
static void print_quoted(const char *text, FILE *to)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            fputs("'\\''", to);
        else
            fputc(*text, to);
    }
}

void completion_print_zsh(const struct completion_word *commands,
                          const struct completion_word *options, FILE *to)
{
    fputs(
        "#compdef sse-server\n# Completion of sse-server for zsh; made by \"sse-server completion "
        "zsh\".\nlocal state\nlocal -a commands\ncommands=(\n",
        to);
    for (const struct completion_word *word = commands; word->name; word++) {
        fprintf(to, "    '%s:", word->name);
        print_quoted(word->help, to);
        fputs("'\n", to);
    }
    fputs(")\n_arguments \\\n", to);
    for (; options->name; options++) {
        fprintf(to, options->is_switch ? "    '--%s" : "    '--%s=:%s:", options->name,
                options->name);
        if (is_file(options))
            fputs("_files", to);
        else if (*options->values != '\0')
            fprintf(to, "(%s)", options->values);
        fputs("' \\\n", to);
    }
    fputs(
        "    '(- *)'{-h,--help}'[print a summary]' '(- *)'{-V,--version}'[print the version]' \\\n"
        "    '1: :->command' '*: :->argument'\n"
        "case $state in\ncommand) _describe command commands ;;\nargument)\n"
        "    case $words[(r)(",
        to);
    for (const struct completion_word *word = commands; word->name; word++)
        fprintf(to, "%s%s", word == commands ? "" : "|", word->name);
    fputs(")] in\n", to);
    for (const struct completion_word *word = commands; word->name; word++) {
        if (is_file(word))
            fprintf(to, "    %s) _files ;;\n", word->name);
        else if (*word->values != '\0')
            fprintf(to, "    %s) compadd %s ;;\n", word->name, word->values);
    }
    fputs("    esac ;;\nesac\n", to);
}
