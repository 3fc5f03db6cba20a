/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_FILE_H
#define BASE_FILE_H
/* Small files that are read as a whole, and directories of our own state. */
#include <stddef.h>

/* The text with a NUL behind it, which the caller frees, or NULL with errno: that of open() or
 * read(), or EFBIG when there are more than most bytes. A named pipe that nobody has open for
 * writing is empty. length may be NULL. */
char *file_read(const char *path, size_t most, size_t *length);

/* Writes all of it. 0, or a negative errno. */
int file_write(int fd, const void *data, size_t length);

/* Makes a directory, with its parents, where it is missing; what is made is closed to others
 * (0700), and outlives a loss of power. 0, or a negative errno. */
int directory_make(const char *path);

/* The same, and opens it. A descriptor, or a negative errno. */
int directory_open(const char *path);

/* Opens /dev/null where standard input, output or error are closed: else the next file or socket
 * would get the number, and what is written to the log would go there. Before anything is opened.
 * 0 or a negative errno. */
int descriptors_fill_standard(void);

/* ---- by a thread of a pool, for a loop that does not wait ---- */

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
