/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_CONNECTION_ID_H
#define SSE_CONNECTION_ID_H
/*
 * The two names of a connection. Its handle says which one it is: everybody may see it, and nobody
 * can act by it. Its id is what its page alone is told: the handle, and behind it a secret of 128
 * random bits. Whoever shows the id is the page. Back ends may name a connection by either.
 *
 * Both are hexadecimal digits of a fixed length. The first eight of a handle are the number of the
 * shard (the worker) that the connection lives on, hidden by a key of the process: who does not
 * know that sees random digits. The 64 bits behind them tell connections apart by themselves, those
 * of an earlier process included.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"

struct sse_connection;
struct table;

#define SSE_HANDLE_SIZE        25u /* with a NUL, as the others */
#define SSE_SECRET_SIZE        33u
#define SSE_CONNECTION_ID_SIZE (SSE_HANDLE_SIZE + SSE_SECRET_SIZE - 1)

/* A shard's number, and the key of its process. Zero-filled is a valid one. */
struct sse_shard {
    uint32_t number;
    struct hash_key key;
};

/* Names a connection, which lives on the shard of its home. */
void sse_connection_id_make(struct sse_connection *connection);
/* The number of the shard that the connection of this name would live on, as the key tells; the
 * text may be anything, and the number one that no shard has. */
uint32_t sse_connection_id_shard(const struct hash_key *key, const char *text);
void sse_connection_id_write(const struct sse_connection *connection,
                             char id[SSE_CONNECTION_ID_SIZE]);

/* Whether text, which may be anything, is the connection's id. How long it takes tells nothing of
 * the secret. */
bool sse_connection_id_is(const struct sse_connection *connection, const char *text);
/* The one of these connections, which are found by their handles, whose id it is; or NULL. */
struct sse_connection *sse_connection_id_find(const struct table *connections, const char *text);
/* Whether it is one of its two names. */
bool sse_connection_id_names(const struct sse_connection *connection, const char *text);

/* Shortens a text that has the form of an id to the handle in it, in place; leaves any other. For
 * what is kept, shown or sent on: the secret is not looked at, since who names a connection to act
 * upon it needs none. */
void sse_connection_id_shorten(char *text);

#endif
