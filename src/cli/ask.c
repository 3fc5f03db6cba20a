/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/ask.h"

#include <errno.h>
#include <signal.h>

#include "cli/endpoint.h"

enum command_exit cli_ask_with(const struct cli_line *line, const char *permission,
                               int (*ask)(const struct cli_line *line, struct cli_http *http,
                                          struct config_fault *fault))
{
    struct config_fault fault = {""};
    struct cli_endpoint endpoint;
    struct cli_http *http;
    int rc = cli_endpoint_find(&endpoint, line, permission, &fault);

    if (rc != 0)
        return cli_finish(rc, &fault);
    (void)signal(SIGPIPE, SIG_IGN); /* of a server that goes */
    http = cli_http_new(&endpoint, &fault);
    rc = http ? ask(line, http, &fault) : -EIO;
    cli_http_free(http);
    cli_endpoint_release(&endpoint);
    return cli_finish(rc, &fault);
}
