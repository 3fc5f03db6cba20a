/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_DIRECTORY_H
#define API_DIRECTORY_H
/* The directory that a service's uploads go to. */

/* Makes it, with its parents, where it is missing (0700). Its descriptor, or a negative errno. */
int api_directory_open(const char *path);

#endif
