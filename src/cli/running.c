/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cli/endpoint.h"
#include "cli/http.h"
#include "cli/table.h"
#include "server/config_value.h"
#include "server/control.h"

#define HEALTH_MS 5000u

static const char *health_of(const struct cli_line *line)
{
    return line->argument_count > 0 ? line->arguments[0] : "ready";
}

/* What the server with these settings says of itself, for supervisors that have no HTTP client, as
 * in a container. Whether the process is there and serves is asked, not who it is. */
static int ask_health_with(const struct cli_line *line, const struct config *config,
                           struct config_fault *fault)
{
    struct cli_endpoint endpoint = {.takes_any = true};
    struct cli_request request = {.method = "GET", .is_of_server = true, .limit_ms = HEALTH_MS};
    struct buf path = BUF_INIT, answer = BUF_INIT;
    struct cli_http *http;
    int rc;

    buf_printf(&path, "/health/%s", health_of(line));
    request.path = buf_str(&path);
    cli_endpoint_set(&endpoint, cli_listener_of(config, false));
    http = cli_http_new(&endpoint, fault);
    rc = http ? cli_http_ask(http, &request, &answer, fault) : -EIO;
    if (rc == 0)
        puts(health_of(line));
    cli_http_free(http);
    cli_endpoint_release(&endpoint);
    buf_release(&path);
    buf_release(&answer);
    return rc;
}

enum command_exit cli_health(const struct cli_line *line)
{
    if (strcmp(health_of(line), "ready") != 0 && strcmp(health_of(line), "live") != 0)
        return cli_misuse("health is asked for ready or live");
    return cli_with_settings(line, ask_health_with);
}

#define PIECE ((size_t)1 << 20)

static void fill_ends(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGHUP);
}

static bool has_to_end(void)
{
    sigset_t pending;

    return sigpending(&pending) == 0 &&
           (sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1 ||
            sigismember(&pending, SIGHUP) == 1);
}

static int copy(int from, int to)
{
    ssize_t sent;

    do {
        if (has_to_end())
            return -EINTR;
        sent = sendfile(to, from, NULL, PIECE);
    } while (sent > 0 || (sent < 0 && errno == EINTR));
    return sent < 0 ? -errno : 0;
}

/* The name of a file survives a loss of power with its directory. */
static int sync_directory(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *directory = slash ? mem_strndup(path, (size_t)(slash - path) + 1) : mem_strdup(".");
    const int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const int rc = fd >= 0 && fsync(fd) == 0 ? 0 : -errno;

    free(directory);
    if (fd >= 0)
        close(fd);
    return rc;
}

/* name: a template, of what is renamed to path at the end. */
static int replace(int from, char *name, const char *path)
{
    const int to = mkostemp(name, O_CLOEXEC); /* mode 0600 */
    int rc;

    if (to < 0)
        return -errno;
    rc = copy(from, to);
    if (rc == 0 && fsync(to) != 0)
        rc = -errno;
    if (close(to) != 0 && rc == 0)
        rc = -errno;
    if (rc == 0 && rename(name, path) != 0)
        rc = -errno;
    if (rc != 0)
        (void)unlink(name);
    return rc == 0 ? sync_directory(path) : rc;
}

/* Where the copy of the stored messages goes: writes all that is in from to path, which is replaced
 * when the new file is whole and on the disk (mode 0600); "-": to standard output. A signal that
 * ends the process leaves nothing half, either. 0 or a negative errno. */
static int backup_file_write(int from, const char *path)
{
    struct buf name = BUF_INIT;
    sigset_t ends, before;
    int rc;

    if (strcmp(path, "-") == 0)
        return copy(from, STDOUT_FILENO);
    buf_printf(&name, "%s.XXXXXX", path);
    fill_ends(&ends);
    (void)signal(SIGXFSZ, SIG_IGN); /* a limit of files is an error like any other */
    (void)pthread_sigmask(SIG_BLOCK, &ends, &before);
    rc = replace(from, name.data, path);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    buf_release(&name);
    return rc;
}

/* Asks the server of these settings' state directory. COMMAND_DONE, and *answer is to be released,
 * or, said on standard error, COMMAND_FAILED or COMMAND_MISUSED. */
static enum command_exit ask_server(const struct cli_line *line, const char *question,
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
enum command_exit cli_reload(const struct cli_line *line)
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

enum command_exit cli_back_up(const struct cli_line *line)
{
    struct config_fault fault = {""};
    struct buf question = BUF_INIT;
    struct control_answer answer;
    enum command_exit status;

    if (line->argument_count == 0)
        return cli_misuse("backup needs the file to write, or - for standard output");
    buf_printf(&question, CONTROL_BACKUP "%.100s", line->service ? line->service : "");
    status = ask_server(line, buf_str(&question), &fault, &answer);
    buf_release(&question);
    if (status != COMMAND_DONE)
        return status;
    status = keep_copy(&answer, line->arguments[0]);
    control_answer_release(&answer);
    return status;
}
