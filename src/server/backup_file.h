/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_BACKUP_FILE_H
#define SERVER_BACKUP_FILE_H
/* Where `sse-server backup` puts the copy that it has got. */

/* Writes all that is in from to path, which is replaced when the new file is whole and on the disk
 * (mode 0600); "-": to standard output. A signal that ends the process leaves nothing half, either.
 * 0 or a negative errno. */
int backup_file_write(int from, const char *path);

#endif
