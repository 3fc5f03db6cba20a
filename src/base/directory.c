/* SPDX-License-Identifier: Apache-2.0 */
#include "base/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

/* Some file systems cannot sync a directory, and need not. */
static int sync_directory(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result = 0;

    if (fd < 0)
        return -errno;
    if (fsync(fd) != 0 && errno != EINVAL && errno != ENOTSUP)
        result = -errno;
    close(fd);
    return result;
}

static int sync_parent(const char *path)
{
    char *copy = mem_strdup(path);
    const int result = sync_directory(dirname(copy));

    free(copy);
    return result;
}

static int make_one(const char *path)
{
    if (mkdir(path, 0700) == 0)
        return sync_parent(path);
    return errno == EEXIST ? 0 : -errno;
}

int directory_make(const char *path)
{
    char *copy;
    int result = 0;

    if (!path || path[0] == '\0')
        return -ENOENT;
    copy = mem_strdup(path);
    for (char *slash = strchr(copy + 1, '/'); result == 0 && slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        result = make_one(copy);
        *slash = '/';
    }
    free(copy);
    return result == 0 ? make_one(path) : result;
}

int directory_open(const char *path)
{
    int result = directory_make(path);

    if (result != 0)
        return result;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}
