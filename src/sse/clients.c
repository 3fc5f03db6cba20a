/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/clients.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/table.h"
#include "sse/user.h"

struct place {
    int64_t order;
    char id[SSE_HANDLE_SIZE];
};

struct client {
    struct table_node node;
    struct place *places; /* in the order in which they were told */
    size_t count;
    char key[];
};

struct sse_clients {
    struct table table;
    uint32_t limit;
};

struct sse_clients *sse_clients_new(uint32_t limit)
{
    struct sse_clients *clients = mem_zalloc(sizeof(*clients));

    table_init(&clients->table, TABLE_BY_TEXT(struct client, node, key));
    clients->limit = limit;
    return clients;
}

static void client_free(struct sse_clients *clients, struct client *client)
{
    table_remove(&clients->table, &client->node);
    free(client->places);
    free(client);
}

static void forget_all(struct sse_clients *clients)
{
    struct client *client;

    while ((client = table_first(&clients->table)))
        client_free(clients, client);
}

void sse_clients_change(struct sse_clients *clients, uint32_t limit)
{
    clients->limit = limit;
    if (limit == 0)
        forget_all(clients);
}

void sse_clients_free(struct sse_clients *clients)
{
    if (!clients)
        return;
    forget_all(clients);
    table_release(&clients->table);
    free(clients);
}

/* With its length before it no text can pass for two. */
static void append_part(struct buf *buf, const char *text)
{
    buf_printf(buf, "%zu:%s", strlen(text), text);
}

char *sse_clients_key(const char *client_id, const struct sse_user *user, const char *origin)
{
    struct buf buf = BUF_INIT;

    append_part(&buf, client_id);
    append_part(&buf, user->id);
    append_part(&buf, user->tenant_id);
    append_part(&buf, origin ? origin : "");
    return buf_detach(&buf);
}

static void remove_place(struct client *client, size_t index)
{
    client->count--;
    memmove(&client->places[index], &client->places[index + 1],
            (client->count - index) * sizeof(struct place));
}

static size_t oldest_of(const struct place *places, size_t count)
{
    size_t oldest = 0;

    for (size_t i = 1; i < count; i++) {
        if (places[i].order < places[oldest].order)
            oldest = i;
    }
    return oldest;
}

bool sse_clients_join(struct sse_clients *clients, const char *key, const char *connection_id,
                      int64_t order, char evicted[SSE_HANDLE_SIZE])
{
    struct client *client;
    struct place *place;
    size_t oldest;

    if (clients->limit == 0)
        return false;
    client = table_find(&clients->table, key);
    if (!client)
        client = table_new_item(&clients->table, key);
    client->places = mem_realloc(client->places, (client->count + 1) * sizeof(struct place));
    place = &client->places[client->count++];
    place->order = order;
    snprintf(place->id, sizeof(place->id), "%s", connection_id);
    if (client->count <= clients->limit)
        return false;
    oldest = oldest_of(client->places, client->count - 1);
    memcpy(evicted, client->places[oldest].id, SSE_HANDLE_SIZE);
    remove_place(client, oldest);
    return true;
}

void sse_clients_leave(struct sse_clients *clients, const char *key, const char *connection_id)
{
    struct client *client = table_find(&clients->table, key);

    if (!client)
        return;
    for (size_t i = 0; i < client->count; i++) {
        if (strcmp(client->places[i].id, connection_id) == 0) {
            remove_place(client, i);
            break;
        }
    }
    if (client->count == 0)
        client_free(clients, client);
}

size_t sse_clients_count(const struct sse_clients *clients)
{
    return clients->table.count;
}
