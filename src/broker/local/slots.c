/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/local/slots.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct client {
    char *name;
    uint32_t count;
};

struct entry {
    struct table_node node;
    uint32_t count;
    uint32_t client_count;
    struct client *clients; /* no more than slots, which are few: they are searched in order */
    char key[];
};

void slots_init(struct slots *slots, uint32_t most, uint32_t client_most)
{
    *slots = (struct slots){.most = most, .client_most = client_most};
    table_init(&slots->table, TABLE_BY_TEXT(struct entry, node, key));
}

static void entry_free(struct slots *slots, struct entry *entry)
{
    table_remove(&slots->table, &entry->node);
    for (uint32_t i = 0; i < entry->client_count; i++)
        free(entry->clients[i].name);
    free(entry->clients);
    free(entry);
}

static void forget_all(struct slots *slots)
{
    struct entry *entry;

    while ((entry = table_first(&slots->table)))
        entry_free(slots, entry);
}

void slots_change(struct slots *slots, uint32_t most, uint32_t client_most)
{
    slots->most = most;
    slots->client_most = client_most;
    if (most == 0)
        forget_all(slots);
}

void slots_release(struct slots *slots)
{
    forget_all(slots);
    table_release(&slots->table);
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

bool slots_take(struct slots *slots, const char *key, const char *client)
{
    struct entry *entry;
    struct client *known = NULL;

    if (slots->most == 0)
        return true;
    entry = table_find(&slots->table, key);
    if (slots->client_most == 0)
        client = NULL;
    if (entry && client)
        known = find_client(entry, client);
    if (entry && entry->count >= slots->most && (!known || known->count < slots->client_most))
        return false;
    if (!entry)
        entry = table_new_item(&slots->table, key);
    if (client && !known)
        known = add_client(entry, client);
    if (known)
        known->count++;
    entry->count++;
    return true;
}

void slots_give(struct slots *slots, const char *key, const char *client)
{
    struct entry *entry = table_find(&slots->table, key);
    struct client *known = NULL;

    if (!entry)
        return;
    if (client)
        known = find_client(entry, client);
    if (known && --known->count == 0)
        remove_client(entry, known);
    if (--entry->count == 0)
        entry_free(slots, entry);
}
