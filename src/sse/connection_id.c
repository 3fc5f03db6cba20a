/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/connection_id.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/table.h"
#include "sse/connection.h"
#include "sse/service.h"

#define HANDLE_LENGTH (SSE_HANDLE_SIZE - 1)
#define ID_LENGTH     (SSE_CONNECTION_ID_SIZE - 1)
#define SHARD_LENGTH  8u /* of the handle */

/* What hides the shard's number in a handle with these digits behind it. */
static uint32_t mask_of(const struct hash_key *key, const char *digits)
{
    return (uint32_t)hash_text(key, digits);
}

void sse_connection_id_make(struct sse_connection *connection)
{
    const struct sse_shard *shard = &connection->home->shard;
    char *digits = connection->handle + SHARD_LENGTH;
    char hidden[SHARD_LENGTH + 1];

    random_hex(digits, (HANDLE_LENGTH - SHARD_LENGTH) / 2);
    snprintf(hidden, sizeof(hidden), "%08" PRIx32, shard->number ^ mask_of(&shard->key, digits));
    memcpy(connection->handle, hidden, SHARD_LENGTH);
    random_hex(connection->secret, (SSE_SECRET_SIZE - 1) / 2);
}

/* "" where a text is longer than a name can be. */
static void read_handle(const char *text, char handle[SSE_CONNECTION_ID_SIZE])
{
    (void)snprintf(handle, SSE_CONNECTION_ID_SIZE, "%s", strlen(text) <= ID_LENGTH ? text : "");
    sse_connection_id_shorten(handle);
}

uint32_t sse_connection_id_shard(const struct hash_key *key, const char *text)
{
    char handle[SSE_CONNECTION_ID_SIZE];
    char hidden[SHARD_LENGTH + 1] = "";

    read_handle(text, handle);
    if (strlen(handle) != HANDLE_LENGTH)
        return UINT32_MAX;
    memcpy(hidden, handle, SHARD_LENGTH);
    return (uint32_t)strtoul(hidden, NULL, 16) ^ mask_of(key, handle + SHARD_LENGTH);
}

void sse_connection_id_write(const struct sse_connection *connection,
                             char id[SSE_CONNECTION_ID_SIZE])
{
    memcpy(id, connection->handle, HANDLE_LENGTH);
    memcpy(id + HANDLE_LENGTH, connection->secret, SSE_SECRET_SIZE);
}

bool sse_connection_id_is(const struct sse_connection *connection, const char *text)
{
    char id[SSE_CONNECTION_ID_SIZE];
    volatile unsigned char difference = 0;

    if (strlen(text) != ID_LENGTH)
        return false;
    sse_connection_id_write(connection, id);
    for (size_t i = 0; i < ID_LENGTH; i++)
        difference |= (unsigned char)(id[i] ^ text[i]);
    return difference == 0;
}

struct sse_connection *sse_connection_id_find(const struct table *connections, const char *text)
{
    char handle[SSE_CONNECTION_ID_SIZE];
    struct sse_connection *connection;

    read_handle(text, handle);
    connection = table_find(connections, handle);
    return connection && sse_connection_id_is(connection, text) ? connection : NULL;
}

bool sse_connection_id_names(const struct sse_connection *connection, const char *text)
{
    return strcmp(connection->handle, text) == 0 || sse_connection_id_is(connection, text);
}

void sse_connection_id_shorten(char *text)
{
    if (strlen(text) == ID_LENGTH && strspn(text, "0123456789abcdef") == ID_LENGTH)
        text[HANDLE_LENGTH] = '\0';
}
