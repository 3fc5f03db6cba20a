/* SPDX-License-Identifier: Apache-2.0 */
#include "api/limit/tally.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"

struct client {
    char *name;
    uint32_t count;
};

struct entry {
    struct sse_table_node node;
    uint32_t count;
    uint32_t client_count;
    struct client *clients; /* no more than places, which are few: they are searched in order */
    char key[];
};

void tally_init(struct tally *tally, uint32_t most, uint32_t client_most)
{
    *tally = (struct tally){.most = most, .client_most = client_most};
    sse_table_init(&tally->table, SSE_TABLE_KEY_OFFSET(struct entry, node, key));
}

static void entry_free(struct tally *tally, struct entry *entry)
{
    sse_table_remove(&tally->table, &entry->node);
    for (uint32_t i = 0; i < entry->client_count; i++)
        free(entry->clients[i].name);
    free(entry->clients);
    free(entry);
}

void tally_release(struct tally *tally)
{
    struct sse_table_node *node;

    while ((node = sse_table_next(&tally->table, NULL)))
        entry_free(tally, container_of(node, struct entry, node));
    sse_table_release(&tally->table);
}

static struct entry *find(const struct tally *tally, const char *key)
{
    struct sse_table_node *node = sse_table_find(&tally->table, key);

    return node ? container_of(node, struct entry, node) : NULL;
}

static struct entry *add(struct tally *tally, const char *key)
{
    size_t size = strlen(key) + 1;
    struct entry *entry = mem_zalloc(sizeof(*entry) + size);

    memcpy(entry->key, key, size);
    sse_table_add(&tally->table, &entry->node);
    return entry;
}

static struct client *find_client(const struct entry *entry, const char *name)
{
    for (uint32_t i = 0; i < entry->client_count; i++) {
        if (strcmp(entry->clients[i].name, name) == 0)
            return &entry->clients[i];
    }
    return NULL;
}

static struct client *add_client(struct entry *entry, const char *name)
{
    struct client *client;

    entry->clients =
        mem_realloc(entry->clients, (entry->client_count + 1) * sizeof(entry->clients[0]));
    client = &entry->clients[entry->client_count++];
    *client = (struct client){.name = mem_strdup(name)};
    return client;
}

static void remove_client(struct entry *entry, struct client *client)
{
    free(client->name);
    *client = entry->clients[--entry->client_count];
}

bool tally_take(struct tally *tally, const char *key, const char *client)
{
    struct entry *entry;
    struct client *known = NULL;

    if (tally->most == 0)
        return true;
    entry = find(tally, key);
    if (tally->client_most == 0)
        client = NULL;
    if (entry && client)
        known = find_client(entry, client);
    if (entry && entry->count >= tally->most && (!known || known->count < tally->client_most))
        return false;
    if (!entry)
        entry = add(tally, key);
    if (client && !known)
        known = add_client(entry, client);
    if (known)
        known->count++;
    entry->count++;
    return true;
}

void tally_give(struct tally *tally, const char *key, const char *client)
{
    struct entry *entry = find(tally, key);
    struct client *known = NULL;

    if (!entry)
        return;
    if (client)
        known = find_client(entry, client);
    if (known && --known->count == 0)
        remove_client(entry, known);
    if (--entry->count == 0)
        entry_free(tally, entry);
}
