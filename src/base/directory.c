/* SPDX-License-Identifier: Apache-2.0 */
#include "base/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"

static int make_one(const char *path)
{
    return mkdir(path, 0700) != 0 && errno != EEXIST ? -errno : 0;
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
