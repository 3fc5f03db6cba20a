/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/connection_id.h"

#include <string.h>

#include "base/random.h"
#include "sse/connection.h"
#include "sse/table.h"

#define HANDLE_LENGTH (SSE_HANDLE_SIZE - 1)
#define ID_LENGTH     (SSE_CONNECTION_ID_SIZE - 1)

void sse_connection_id_make(struct sse_connection *connection)
{
    random_hex(connection->handle, HANDLE_LENGTH / 2);
    random_hex(connection->secret, (SSE_SECRET_SIZE - 1) / 2);
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

struct sse_connection *sse_connection_id_find(const struct sse_table *connections, const char *text)
{
    char handle[SSE_CONNECTION_ID_SIZE];
    struct sse_connection *connection;
    struct sse_table_node *node;

    if (strlen(text) >= sizeof(handle))
        return NULL;
    memcpy(handle, text, strlen(text) + 1);
    sse_connection_id_shorten(handle);
    node = sse_table_find(connections, handle);
    connection = node ? container_of(node, struct sse_connection, node) : NULL;
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
