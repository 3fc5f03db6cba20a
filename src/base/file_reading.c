/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file_reading.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/thread_pool.h"

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
