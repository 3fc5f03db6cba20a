/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/ask.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/text.h"
#include "cli/endpoint.h"
#include "cli/table.h"

/* JSON would leave out what is no text, and an id that a script found empty would mean nobody, or
 * everybody. Files may be called what they like. */
static int check_texts(const struct cli_line *line, struct config_fault *fault)
{
    for (size_t i = 0; i < line->argument_count; i++) {
        if (!utf8_is_valid(line->arguments[i], strlen(line->arguments[i])))
            return config_fail(fault, -EINVAL, "argument %zu is no text in UTF-8", i + 1);
    }
    for (size_t i = 0; i < cli_option_count; i++) {
        const struct cli_option *option = &cli_options[i];
        const char *value = cli_option_text(line, option);

        if (!value || !option->value || strcmp(option->completes, "FILE") == 0)
            continue;
        if (*value == '\0')
            return config_fail(fault, -EINVAL, "--%s is empty; leave it out, or say which",
                               option->name);
        if (!utf8_is_valid(value, strlen(value)))
            return config_fail(fault, -EINVAL, "--%s is no text in UTF-8", option->name);
    }
    return 0;
}

enum command_exit cli_ask_with(const struct cli_line *line, const char *permission,
                               int (*ask)(const struct cli_line *line, struct cli_http *http,
                                          struct config_fault *fault))
{
    struct config_fault fault = {""};
    struct cli_endpoint endpoint;
    struct cli_http *http;
    int rc = check_texts(line, &fault);

    if (rc == 0)
        rc = cli_endpoint_find(&endpoint, line, permission, &fault);
    if (rc != 0)
        return cli_finish(rc, &fault);
    (void)signal(SIGPIPE, SIG_IGN); /* of a server that goes */
    http = cli_http_new(&endpoint, &fault);
    rc = http ? ask(line, http, &fault) : -EIO;
    cli_http_free(http);
    cli_endpoint_release(&endpoint);
    return cli_finish(rc, &fault);
}
