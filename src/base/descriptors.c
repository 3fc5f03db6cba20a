/* SPDX-License-Identifier: Apache-2.0 */
#include "base/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int descriptors_fill_standard(void)
{
    int fd;

    /* The lowest number that is free is what open() gives. */
    do {
        fd = open("/dev/null", O_RDWR);
        if (fd < 0)
            return -errno;
    } while (fd <= STDERR_FILENO);
    return close(fd) == 0 ? 0 : -errno;
}
