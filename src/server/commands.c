/* SPDX-License-Identifier: Apache-2.0 */
#include "server/commands.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/text.h"
#include "server/certificate.h"
#include "server/client.h"
#include "server/completion.h"
#include "server/config_keys.h"
#include "server/config_load.h"
#include "server/control.h"
#include "server/credentials.h"
#include "server/libraries.h"
#include "server/preflight.h"
#include "server/server.h"
#include "server/version.h"

/* The command line, taken apart. */
struct command_line {
    struct config_sources sources;
    const char *out; /* --out; NULL: the state directory */
    struct make_token_request token;
    const char *command;
    char *const *arguments;
    size_t argument_count;
    bool help, version;
};

/* What a command does: either alone, or (with) with settings that are loaded for it, and then it
 * returns 0, or a negative errno with *fault. */
struct command {
    const char *name;
    const char *arguments;
    const char *help;
    size_t most_arguments;
    enum command_exit (*run)(struct command_line *line);
    int (*run_with)(struct command_line *line, const struct config *config,
                    struct config_fault *fault);
    const char *values; /* of the argument, as struct completion_word has them */
};

static enum command_exit misuse(const char *sentence)
{
    fprintf(stderr, "sse-server: %s\nTry: sse-server --help\n", sentence);
    return COMMAND_MISUSED;
}

/* What *fault says, of settings or arguments that are not right, or of something that failed. */
static enum command_exit finish(int rc, const struct config_fault *fault)
{
    if (rc == 0)
        return COMMAND_DONE;
    fprintf(stderr, "sse-server: %s\n", fault->message);
    return rc == -EINVAL || rc == -E2BIG ? COMMAND_MISUSED : COMMAND_FAILED;
}

/* COMMAND_DONE with *config loaded, or COMMAND_MISUSED. */
static enum command_exit load(struct config *config, const struct config_sources *sources)
{
    struct config_fault fault = {""};

    return finish(config_load_from(config, sources, &fault) == 0 ? 0 : -EINVAL, &fault);
}

static enum command_exit run_with(struct command_line *line,
                                  int (*run)(struct command_line *line, const struct config *config,
                                             struct config_fault *fault))
{
    struct config_fault fault = {""};
    struct config config;
    enum command_exit status = load(&config, &line->sources);

    if (status != COMMAND_DONE)
        return status;
    status = finish(run(line, &config, &fault), &fault);
    config_release(&config);
    return status;
}

static enum command_exit serve(struct command_line *line)
{
    struct config config;
    enum command_exit status;

    server_hold_signals();
    status = load(&config, &line->sources);
    if (status != COMMAND_DONE)
        return status;
    log_open(config.log_level, config.log_format, STDERR_FILENO);
    return server_run(&config, &line->sources) == 0 ? COMMAND_DONE : COMMAND_FAILED;
}

/* Asks the server of these settings' state directory. COMMAND_DONE, and *answer is to be released,
 * or, said on standard error, COMMAND_FAILED or COMMAND_MISUSED. */
static enum command_exit ask_server(const struct command_line *line, const char *question,
                                    struct config_fault *fault, struct control_answer *answer)
{
    char *directory = config_find_state(&line->sources, fault);
    int rc;

    if (!directory) {
        fprintf(stderr, "sse-server: %s\n", fault->message);
        return COMMAND_MISUSED;
    }
    rc = control_ask(directory, question, answer);
    if (rc < 0)
        fprintf(stderr,
                "sse-server: no server can be reached by the state directory \"%s\": %s; give the "
                "--config and the environment that it was started with%s\n",
                directory, strerror(-rc),
                strcmp(question, CONTROL_RELOAD) == 0 ? ", or send it SIGHUP" : "");
    free(directory);
    return rc < 0 ? COMMAND_FAILED : COMMAND_DONE;
}

/* What is wrong with the settings is for the server to say, in its log and counters as well. */
static enum command_exit reload(struct command_line *line)
{
    struct config_fault fault = {""};
    struct control_answer answer;
    enum command_exit status = ask_server(line, CONTROL_RELOAD, &fault, &answer);

    if (status != COMMAND_DONE)
        return status;
    if (answer.is_done && *fault.message == '\0')
        fputs(answer.text, stdout);
    else { /* with settings that cannot be read, it may have been another server */
        fprintf(stderr, "sse-server: %s\n", *fault.message != '\0' ? fault.message : answer.text);
        status = COMMAND_MISUSED;
    }
    control_answer_release(&answer);
    return status;
}

static enum command_exit keep_copy(const struct control_answer *answer, const char *path)
{
    int rc;

    if (!answer->is_done || answer->file < 0) {
        fprintf(stderr, "sse-server: %s\n", answer->text);
        return COMMAND_FAILED;
    }
    rc = backup_file_write(answer->file, path);
    if (rc == 0)
        return COMMAND_DONE;
    fprintf(stderr, "sse-server: %s cannot be written: %s\n", path, strerror(-rc));
    return COMMAND_FAILED;
}

static enum command_exit back_up(struct command_line *line)
{
    struct config_fault fault = {""};
    struct buf question = BUF_INIT;
    struct control_answer answer;
    enum command_exit status;

    if (line->argument_count == 0)
        return misuse("backup needs the file to write, or - for standard output");
    buf_printf(&question, CONTROL_BACKUP "%.100s", line->token.service ? line->token.service : "");
    status = ask_server(line, buf_str(&question), &fault, &answer);
    buf_release(&question);
    if (status != COMMAND_DONE)
        return status;
    status = keep_copy(&answer, line->arguments[0]);
    control_answer_release(&answer);
    return status;
}

static enum command_exit check_config(struct command_line *line)
{
    struct buf faults = BUF_INIT;
    struct config config;
    enum command_exit status;

    if (line->argument_count > 0)
        line->sources.file = line->arguments[0];
    status = load(&config, &line->sources);
    if (status != COMMAND_DONE)
        return status;
    preflight(&config, NULL, &faults, &faults);
    fputs(buf_str(&faults), stderr);
    if (faults.length > 0) {
        status = COMMAND_MISUSED;
    } else {
        puts("OK");
        preflight_explain(&config, stdout);
    }
    buf_release(&faults);
    config_release(&config);
    return status;
}

static enum command_exit default_config(struct command_line *line)
{
    char *text = config_default_text();
    bool written = fputs(text, stdout) >= 0;

    (void)line;
    free(text);
    return written ? COMMAND_DONE : COMMAND_FAILED;
}

static int make_certificate(struct command_line *line, const struct config *config,
                            struct config_fault *fault)
{
    struct certificate_files files = {NULL, NULL};
    const int rc =
        certificate_make(&files, line->out ? line->out : config->state_directory,
                         (const char *const *)line->arguments, line->argument_count, fault);

    if (rc == 0)
        printf("certificate %s\nkey %s\n", files.certificate, files.key);
    certificate_files_release(&files);
    return rc;
}

static enum command_exit print_key(struct command_line *line)
{
    struct config_fault fault = {""};

    if (line->argument_count == 0)
        return finish(make_key(stdout, &fault), &fault);
    if (strcmp(line->arguments[0], "-") == 0)
        return finish(make_key_hash(stdin, stdout, &fault), &fault);
    return misuse("a key in the command line can be seen by others; give make-key - and the "
                  "key on standard input");
}

static int print_token(struct command_line *line, const struct config *config,
                       struct config_fault *fault)
{
    return make_token(config, &line->token, stdout, fault);
}

static int judge_token_with(struct command_line *line, const struct config *config,
                            struct config_fault *fault)
{
    const struct check_token_request request = {
        .token = line->arguments[0], .service = line->token.service, .from = stdin};

    log_open(LOG_WARN_LEVEL, config->log_format, STDERR_FILENO);
    (void)signal(SIGPIPE, SIG_IGN); /* as those who fetch JWK sets need it */
    return check_token(config, &request, stdout, fault);
}

static enum command_exit judge_token(struct command_line *line)
{
    if (line->argument_count == 0)
        return misuse("check-token needs a token, or - for one on standard input");
    return run_with(line, judge_token_with);
}

static const char *health_of(const struct command_line *line)
{
    return line->argument_count > 0 ? line->arguments[0] : "ready";
}

static int ask_health_with(struct command_line *line, const struct config *config,
                           struct config_fault *fault)
{
    const int rc = check_health(config, health_of(line), fault);

    if (rc == 0)
        puts(health_of(line));
    return rc;
}

static enum command_exit ask_health(struct command_line *line)
{
    if (strcmp(health_of(line), "ready") != 0 && strcmp(health_of(line), "live") != 0)
        return misuse("health is asked for ready or live");
    return run_with(line, ask_health_with);
}

static enum command_exit print_version(struct command_line *line)
{
    (void)line;
    printf("sse-server %s\n", server_version);
    return COMMAND_DONE;
}

static enum command_exit print_completion(struct command_line *line);
static enum command_exit print_help(struct command_line *line);

static const struct command commands[] = {
    {"check-config", "[FILE]", "say whether a configuration is right, and what it would do", 1,
     check_config, NULL, "FILE"},
    {"reload", "", "have the running server read its settings and certificates anew", 0, reload,
     NULL, ""},
    {"backup", "FILE", "copy a service's stored messages while the server runs; -: to output", 1,
     back_up, NULL, "FILE"},
    {"default-config", "", "print a commented configuration of all settings", 0, default_config,
     NULL, ""},
    {"make-cert", "[NAME]...", "make a development certificate, for localhost and these names",
     CERTIFICATE_MAX_NAMES, NULL, make_certificate, ""},
    {"make-key", "[-]", "make a back end's key and its hash; -: the hash of standard input's key",
     1, print_key, NULL, ""},
    {"make-token", "", "make an access token, for a service with auth jwt", 0, NULL, print_token,
     ""},
    {"check-token", "TOKEN", "say what that service would say to it; -: to standard input's", 1,
     judge_token, NULL, ""},
    {"health", "[ready|live]", "ask the running server, as a supervisor's check", 1, ask_health,
     NULL, "ready live"},
    {"completion", "bash|zsh", "print a script that lets the shell complete this command line", 1,
     print_completion, NULL, "bash zsh"},
    {"version", "", "print the version", 0, print_version, NULL, ""},
    {"help", "", "print this", 0, print_help, NULL, ""},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const char usage[] =
    "usage: sse-server [OPTION]... [COMMAND]\n"
    "\n"
    "Serves event streams, JSON requests and uploads to browsers over HTTP/2. Without a\n"
    "configuration it runs the demo on https://localhost:8443.\n"
    "\n"
    "  --config FILE      read settings from FILE (YAML)\n"
    "  --listen ADDRESS   listen here instead, such as 127.0.0.1:9443; several with commas;\n"
    "                     http://ADDRESS: without TLS\n"
    "  --workers N        threads that serve connections; 0: one per processor\n"
    "  --log-level LEVEL  debug, info, warn or error\n"
    "  --out DIRECTORY    where make-cert puts its files (default: the state directory)\n"
    "  --service NAME     for make-token and check-token (default: the first with auth jwt),\n"
    "                     and for backup (default: the only one with messages in a file)\n"
    "  --user ID, --name TEXT, --tenant ID, --channels LIST, --permissions LIST,\n"
    "  --expires TIME     what make-token puts into the token (an hour from now)\n"
    "  --key ID           which of tokenKeys signs (default: the first that can)\n"
    "  --key-file FILE    what it signs with, where tokenKeys has the public key\n"
    "  -h, --help         print this\n"
    "  -V, --version      print the version\n"
    "\n"
    "commands:\n";

static enum command_exit print_help(struct command_line *line)
{
    (void)line;
    fputs(usage, stdout);
    for (size_t i = 0; i < COMMANDS; i++) {
        char name[40];

        snprintf(name, sizeof(name), "%s %s", commands[i].name, commands[i].arguments);
        printf("  %-24s %s\n", name, commands[i].help);
    }
    puts(
        "\nEvery setting is also a variable of the environment: see default-config, which says as\n"
        "well which of them a reload changes, and which the next start only.");
    return COMMAND_DONE;
}

/* An option with a value: where that is kept, and the only commands that have a use for it. */
struct flag {
    const char *name;
    size_t offset;
    const char *commands; /* words; "": all, and serving */
    const char *value;    /* "FILE", the setting that it is for, or "" */
};

#define FLAG(name, member, commands, value)                                                        \
    {                                                                                              \
        (name), offsetof(struct command_line, member), (commands), (value)                         \
    }
static const struct flag flags[] = {
    FLAG("config", sources.file, "", "FILE"),
    FLAG("listen", sources.listen, "", "listeners[].address"),
    FLAG("workers", sources.workers, "", "workers"),
    FLAG("log-level", sources.log_level, "", "log.level"),
    FLAG("out", out, "make-cert", "FILE"),
    FLAG("user", token.user, "make-token", ""),
    FLAG("name", token.name, "make-token", ""),
    FLAG("tenant", token.tenant, "make-token", ""),
    FLAG("channels", token.channels, "make-token", ""),
    FLAG("permissions", token.permissions, "make-token", ""),
    FLAG("expires", token.expires, "make-token", ""),
    FLAG("key", token.key, "make-token", ""),
    FLAG("key-file", token.key_file, "make-token", "FILE"),
    FLAG("service", token.service, "make-token, check-token, backup", ""),
};
#define FLAGS (sizeof(flags) / sizeof(flags[0]))

/* The words that a setting may have, such as "debug info warn error". */
static void append_words(const char *name, struct buf *to)
{
    const struct config_key *key = config_key_find(name);

    for (const char *const *word = key ? key->words : NULL; word && *word; word++)
        buf_printf(to, "%s%s", to->length > 0 ? " " : "", *word);
}

static enum command_exit print_completion(struct command_line *line)
{
    struct completion_word commands_known[COMMANDS + 1] = {{0}}, options[FLAGS + 1] = {{0}};
    const char *shell = line->argument_count > 0 ? line->arguments[0] : "";
    struct buf words[FLAGS];

    if (strcmp(shell, "bash") != 0 && strcmp(shell, "zsh") != 0)
        return misuse("completion is for bash or zsh");
    for (size_t i = 0; i < COMMANDS; i++)
        commands_known[i] =
            (struct completion_word){commands[i].name, commands[i].help, commands[i].values, ""};
    for (size_t i = 0; i < FLAGS; i++) {
        words[i] = (struct buf)BUF_INIT;
        append_words(flags[i].value, &words[i]);
        options[i] = (struct completion_word){
            flags[i].name, "",
            strcmp(flags[i].value, "FILE") == 0 ? flags[i].value : buf_str(&words[i]),
            flags[i].commands};
    }
    if (strcmp(shell, "bash") == 0)
        completion_print_bash(commands_known, options, stdout);
    else
        completion_print_zsh(commands_known, options, stdout);
    for (size_t i = 0; i < FLAGS; i++)
        buf_release(&words[i]);
    return COMMAND_DONE;
}

static const char **value_of(struct command_line *line, const struct flag *flag)
{
    return (const char **)(void *)((char *)line + flag->offset);
}

/* Takes the options; false when one is not right (said on standard error). */
static bool parse_options(struct command_line *line, int argc, char *argv[])
{
    enum { FIRST = 256 };
    struct option options[FLAGS + 3] = {{"help", no_argument, NULL, 'h'},
                                        {"version", no_argument, NULL, 'V'}};

    for (size_t i = 0; i < FLAGS; i++)
        options[2 + i] = (struct option){flags[i].name, required_argument, NULL, FIRST + (int)i};
    for (int option = 0; (option = getopt_long(argc, argv, "hV", options, NULL)) != -1;) {
        if (option >= FIRST)
            *value_of(line, &flags[option - FIRST]) = optarg;
        else if (option == 'h')
            line->help = true;
        else if (option == 'V')
            line->version = true;
        else
            return false; /* getopt_long has said which */
    }
    return true;
}

/* Whether the command (NULL: serving) has a use for all options; else COMMAND_MISUSED. */
static enum command_exit check_use(struct command_line *line, const char *command)
{
    for (size_t i = 0; i < FLAGS; i++) {
        if (*flags[i].commands == '\0' || !*value_of(line, &flags[i]) ||
            (command && words_have(flags[i].commands, command)))
            continue;
        fprintf(stderr, "sse-server: --%s is for %s only\nTry: sse-server --help\n", flags[i].name,
                flags[i].commands);
        return COMMAND_MISUSED;
    }
    return COMMAND_DONE;
}

static const struct command *find_command(const char *name, const char **nearest)
{
    const char *names[COMMANDS + 1] = {NULL};

    for (size_t i = 0; i < COMMANDS; i++) {
        names[i] = commands[i].name;
        if (config_distance(name, names[i]) == 0)
            return &commands[i];
    }
    *nearest = config_nearest(name, names);
    return NULL;
}

static enum command_exit run_command(struct command_line *line)
{
    const char *nearest = NULL;
    const struct command *command = find_command(line->command, &nearest);

    if (!command) {
        fprintf(stderr, "sse-server: there is no command \"%.60s\"%s%s\nTry: sse-server --help\n",
                line->command, nearest ? "; the nearest is " : "", nearest ? nearest : "");
        return COMMAND_MISUSED;
    }
    if (line->argument_count > command->most_arguments)
        return misuse("too many arguments for that command");
    if (check_use(line, command->name) != COMMAND_DONE)
        return COMMAND_MISUSED;
    return command->run ? command->run(line) : run_with(line, command->run_with);
}

enum command_exit command_run(int argc, char *argv[], char *const *environment)
{
    struct command_line line = {.sources = {.environment = environment}};

    libraries_prepare();
    if (!parse_options(&line, argc, argv))
        return misuse("that is no option, or its argument is missing");
    if (line.help)
        return print_help(&line);
    if (line.version)
        return print_version(&line);
    if (optind == argc)
        return check_use(&line, NULL) == COMMAND_DONE ? serve(&line) : COMMAND_MISUSED;
    line.command = argv[optind];
    line.arguments = argv + optind + 1;
    line.argument_count = (size_t)(argc - optind - 1);
    return run_command(&line);
}
