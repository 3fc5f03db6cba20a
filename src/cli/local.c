/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that ask no server: about settings, and for a certificate. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "cli/table.h"
#include "server/certificate.h"
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
