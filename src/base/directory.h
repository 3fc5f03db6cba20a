/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_DIRECTORY_H
#define BASE_DIRECTORY_H
/* Directories of our own state. */

/* Makes it, with its parents, where it is missing; what is made is closed to others (0700), and
 * outlives a loss of power. 0, or a negative errno. */
int directory_make(const char *path);

/* The same, and opens it. A descriptor, or a negative errno. */
int directory_open(const char *path);

#endif
