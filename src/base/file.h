/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_FILE_H
#define BASE_FILE_H
/* Small files, read as a whole. */
#include <stddef.h>

/* The text with a NUL behind it, which the caller frees, or NULL with errno: that of open() or
 * read(), or EFBIG when there are more than most bytes. length may be NULL. */
char *file_read(const char *path, size_t most, size_t *length);

#endif
