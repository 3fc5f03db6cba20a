/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"

/* Fills text, which has room for one byte more than there may be. -1 with errno. */
static ssize_t read_all(int fd, char *text, size_t most)
{
    size_t length = 0;

    for (;;) {
        ssize_t count = read(fd, text + length, most + 1 - length);

        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return -1;
        length += (size_t)count;
        if (length > most) {
            errno = EFBIG;
            return -1;
        }
        if (count == 0)
            return (ssize_t)length;
    }
}

char *file_read(const char *path, size_t most, size_t *length)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *text;
    ssize_t count;
    int error;

    if (fd < 0)
        return NULL;
    text = mem_alloc(most + 1);
    count = read_all(fd, text, most);
    error = errno;
    close(fd);
    errno = error;
    if (count < 0) {
        free(text);
        return NULL;
    }
    text[count] = '\0';
    if (length)
        *length = (size_t)count;
    return text;
}
