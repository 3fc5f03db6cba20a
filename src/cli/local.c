/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that ask no server: about settings, and for credentials. */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "cli/table.h"
#include "server/certificate.h"
#include "server/credentials.h"
#include "server/preflight.h"

enum command_exit cli_check_config(const struct cli_line *line)
{
    struct config_sources sources = line->sources;
    struct buf faults = BUF_INIT;
    struct config config;
    enum command_exit status;

    if (line->argument_count > 0)
        sources.file = line->arguments[0];
    status = cli_load(&config, &sources);
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

enum command_exit cli_default_config(const struct cli_line *line)
{
    char *text = config_default_text();
    bool written = fputs(text, stdout) >= 0;

    (void)line;
    free(text);
    return written ? COMMAND_DONE : COMMAND_FAILED;
}

int cli_make_certificate(const struct cli_line *line, const struct config *config,
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

enum command_exit cli_make_key(const struct cli_line *line)
{
    struct config_fault fault = {""};

    if (line->argument_count == 0)
        return cli_finish(make_key(stdout, &fault), &fault);
    if (strcmp(line->arguments[0], "-") == 0)
        return cli_finish(make_key_hash(stdin, stdout, &fault), &fault);
    return cli_misuse("a key in the command line can be seen by others; give make-key - and the "
                      "key on standard input");
}

int cli_make_token(const struct cli_line *line, const struct config *config,
                   struct config_fault *fault)
{
    const struct make_token_request request = {
        .user = line->user,
        .name = line->name,
        .tenant = line->tenant,
        .channels = line->channels,
        .permissions = line->permissions,
        .expires = line->expires,
        .key = line->key,
        .key_file = line->key_file,
        .service = line->service,
    };

    return make_token(config, &request, stdout, fault);
}

static int check_token_with(const struct cli_line *line, const struct config *config,
                            struct config_fault *fault)
{
    const struct check_token_request request = {
        .token = line->arguments[0], .service = line->service, .from = stdin};

    log_open(LOG_WARN_LEVEL, config->log_format, STDERR_FILENO);
    (void)signal(SIGPIPE, SIG_IGN); /* as those who fetch JWK sets need it */
    return check_token(config, &request, stdout, fault);
}

enum command_exit cli_check_token(const struct cli_line *line)
{
    if (line->argument_count == 0)
        return cli_misuse("check-token needs a token, or - for one on standard input");
    return cli_with_settings(line, check_token_with);
}
