/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_SOCKET_RIGHTS_H
#define SERVER_SOCKET_RIGHTS_H
/* Who may connect to a unix socket: its file's mode and group, from their settings. */
#include <stddef.h>

struct config_listener;

/* Whether the settings can be followed here: NULL, or the name of the one that cannot, with a
 * sentence in fault. */
const char *socket_rights_check(const struct config_listener *listener, char *fault, size_t size);

/* Gives the socket's file what the settings say. 0, or a negative errno with a sentence. */
int socket_rights_set(const struct config_listener *listener, char *fault, size_t size);

#endif
