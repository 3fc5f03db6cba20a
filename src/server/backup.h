/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_BACKUP_H
#define SERVER_BACKUP_H
/*
 * The server's side of `sse-server backup`: the thread of a service's store makes a copy, and the
 * client gets that as an open file. So the server writes where it may write anyway, and the client
 * where it may.
 */
#include <stddef.h>

struct qos_shared;

/* Does not wait. Owns the client (a control socket), who is answered and closed in time. The
 * service is one of these; "": the only one whose messages are in a file. */
void backup_start(struct qos_shared *services, size_t count, const char *service, int client);

#endif
