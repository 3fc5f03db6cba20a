/* SPDX-License-Identifier: Apache-2.0 */
#include "server/backup_file.h"

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

int backup_file_write(int from, const char *path)
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
