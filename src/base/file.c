/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/thread_pool.h"

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

/* A pipe that nobody writes to is not waited for: it is empty. One that somebody has open is. */
static int open_to_read(const char *path)
{
    const int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

    if (fd >= 0)
        (void)fcntl(fd, F_SETFL, 0);
    return fd;
}

char *file_read(const char *path, size_t most, size_t *length)
{
    int fd = open_to_read(path);
    char *text;
    ssize_t count;
    int error;

    if (fd < 0)
        return NULL;
    text = mem_alloc(most + 1);
    count = read_all(fd, text, most);
    error = errno;
    close(fd);
    if (count >= 0) {
        text[count] = '\0';
        if (length)
            *length = (size_t)count;
        return text;
    }
    free(text);
    errno = error;
    return NULL;
}

int file_write(int fd, const void *data, size_t length)
{
    const char *at = data;

    while (length > 0) {
        const ssize_t written = write(fd, at, length);

        if (written < 0 && errno != EINTR)
            return -errno;
        if (written > 0) {
            at += written;
            length -= (size_t)written;
        }
    }
    return 0;
}

/* Some file systems cannot sync a directory, and need not. */
static int sync_parent(const char *path)
{
    char *copy = mem_strdup(path);
    const int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result = fd < 0 ? -errno : 0;

    free(copy);
    if (fd < 0)
        return result;
    if (fsync(fd) != 0 && errno != EINVAL && errno != ENOTSUP)
        result = -errno;
    close(fd);
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

/* ---- by a thread of a pool ---- */

struct file_reading {
    struct pool_job job;
    void (*done)(void *context, const char *text, size_t length, int error); /* NULL: canceled */
    void *context;
    size_t most;
    char *text;
    size_t length;
    int error;
    char path[];
};

static void run(struct pool_job *job)
{
    struct file_reading *reading = container_of(job, struct file_reading, job);

    reading->text = file_read(reading->path, reading->most, &reading->length);
    reading->error = reading->text ? 0 : errno;
}

static void on_done(struct pool_job *job)
{
    struct file_reading *reading = container_of(job, struct file_reading, job);

    if (reading->done)
        reading->done(reading->context, reading->text, reading->length, reading->error);
    free(reading->text);
    free(reading);
}

struct file_reading *
file_reading_start(const struct file_readers *readers, const char *path, size_t most,
                   void (*done)(void *context, const char *text, size_t length, int error),
                   void *context)
{
    const size_t size = strlen(path) + 1;
    struct file_reading *reading = mem_zalloc(sizeof(*reading) + size);
    int rc = thread_pool_is_full(readers->pool) ? -EAGAIN : 0;

    memcpy(reading->path, path, size);
    reading->job.run = run;
    reading->job.done = on_done;
    reading->done = done;
    reading->context = context;
    reading->most = most;
    if (rc == 0)
        rc = thread_pool_submit(readers->pool, readers->client, &reading->job);
    if (rc == 0)
        return reading;
    free(reading);
    errno = -rc;
    return NULL;
}

void file_reading_cancel(struct file_reading *reading)
{
    if (!reading)
        return;
    reading->done = NULL;
    if (thread_pool_cancel(&reading->job))
        free(reading);
}
