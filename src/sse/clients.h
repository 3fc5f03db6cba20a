/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_CLIENTS_H
#define SSE_CLIENTS_H
/*
 * How many connections one client may hold: (clientId, user, tenant, origin) has that many slots,
 * and one more connection takes the slot of the oldest.
 *
 * A client's connections may live on several workers. One worker, the owner of its key, keeps the
 * count for all. The layer above tells it: after sse_connection_open() it makes the key, and the
 * owner calls sse_clients_join(). If that returns an id, the connection of that id is closed with
 * SSE_CLOSE_EVICTED, on whichever worker has it. When a connection has ended the owner calls
 * sse_clients_leave(). A worker's joins and leaves must reach the owner in order. One struct per
 * service and worker, for the keys that this worker owns; of one thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sse/connection.h"

struct sse_clients;
struct sse_user;

struct sse_clients *sse_clients_new(uint32_t limit); /* 0: no limit, nothing is kept */
/* Another limit: who is above it stays until one more comes. 0: all that was kept is forgotten. */
void sse_clients_change(struct sse_clients *clients, uint32_t limit);
void sse_clients_free(struct sse_clients *clients);

/* The text that stands for a client, to be freed by the caller. client_id "": all of the user's
 * that named none. */
char *sse_clients_key(const char *client_id, const struct sse_user *user, const char *origin);

/* Notes a connection. order says which is older (its create time). True when there is one too many:
 * then evicted is the id of the oldest, which counts no more. The newcomer itself is never named.
 */
bool sse_clients_join(struct sse_clients *clients, const char *key, const char *connection_id,
                      int64_t order, char evicted[SSE_HANDLE_SIZE]);
void sse_clients_leave(struct sse_clients *clients, const char *key, const char *connection_id);

size_t sse_clients_count(const struct sse_clients *clients); /* clients with a connection */

#endif
