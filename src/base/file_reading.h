/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_FILE_READING_H
#define BASE_FILE_READING_H
/* A small file that is read as a whole by a thread of a pool, for a loop that does not wait. */
#include <stddef.h>

struct file_reading;
struct pool_client;
struct thread_pool;

/* Whose threads read, and where that is told. */
struct file_readers {
    struct thread_pool *pool; /* NULL: there are none */
    struct pool_client *client;
};

/* done runs later, in the loop of the client, once: text is that of file_read(), lent; NULL with an
 * errno when there is none. NULL with errno: too much waits, or there can be no thread. */
struct file_reading *
file_reading_start(const struct file_readers *readers, const char *path, size_t most,
                   void (*done)(void *context, const char *text, size_t length, int error),
                   void *context);

/* done does not run; the disk may still have to come back. Accepts NULL. */
void file_reading_cancel(struct file_reading *reading);

#endif
