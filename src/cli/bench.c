/* SPDX-License-Identifier: Apache-2.0 */
/* bench: runs the load program (bench/), which is one of its own, against a server that is found as
 * for all commands. The key goes by the environment, since arguments can be seen by others. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cli/endpoint.h"
#include "cli/table.h"

#define PROGRAM "sse-load"

/* Beside this program, as a build has it, or where an installation puts it; the caller frees it.
 * NULL: it is not there. */
static char *find_program(void)
{
    static const char *const places[] = {"/" PROGRAM, "/../libexec/sse-server/" PROGRAM};
    char self[4000];
    const ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
    char *found = NULL;

    if (length <= 0)
        return NULL;
    self[length] = '\0';
    *strrchr(self, '/') = '\0';
    for (size_t i = 0; !found && i < COUNT(places); i++) {
        struct buf path = BUF_INIT;

        buf_printf(&path, "%s%s", self, places[i]);
        if (access(buf_str(&path), X_OK) == 0)
            found = buf_detach(&path);
        buf_release(&path);
    }
    return found;
}

/* What is behind the command comes last, so that it wins. Only returns when it cannot be run. */
static int run_program(const struct cli_line *line, const struct cli_endpoint *endpoint,
                       char *program, struct config_fault *fault)
{
    const char **arguments = mem_zalloc((line->argument_count + 8) * sizeof(char *));
    size_t count = 0;

    arguments[count++] = program;
    arguments[count++] = "--address";
    arguments[count++] = strstr(endpoint->origin, "://") + 3;
    arguments[count++] = "--base";
    arguments[count++] = endpoint->base;
    if (line->json) {
        arguments[count++] = "--json";
        arguments[count++] = "-";
    }
    for (size_t i = 0; i < line->argument_count; i++)
        arguments[count++] = line->arguments[i];
    if (setenv("SSE_API_KEY", endpoint->key, 1) == 0)
        (void)execv(program, (char *const *)arguments);
    free((void *)arguments);
    return config_fail(fault, -errno, "%.200s cannot be run: %s", program, strerror(errno));
}

static int bench_with(const struct cli_line *line, char *program, struct config_fault *fault)
{
    struct cli_endpoint endpoint;
    int rc = cli_endpoint_find(&endpoint, line, "send", fault);

    if (rc != 0)
        return rc;
    if (endpoint.is_clear || endpoint.socket)
        rc = config_fail(fault, -EINVAL, "bench speaks TLS; give a listener with it, or --url");
    else
        rc = run_program(line, &endpoint, program, fault);
    cli_endpoint_release(&endpoint);
    return rc;
}

enum command_exit cli_bench(const struct cli_line *line)
{
    struct config_fault fault = {""};
    char *program = find_program();
    int rc;

    if (program)
        rc = bench_with(line, program, &fault);
    else
        rc =
            config_fail(&fault, -ENOENT,
                        PROGRAM " is neither beside this program nor in ../libexec/sse-server: the "
                                "package and a build have it");
    free(program);
    return cli_finish(rc, &fault);
}
