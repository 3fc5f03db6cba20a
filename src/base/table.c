/* SPDX-License-Identifier: Apache-2.0 */
#include "base/table.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define MIN_BUCKETS 8u
/* A step ends with whichever comes first. Nodes: the old buckets are empty before the new ones are
 * full. Buckets: the same when the table shrinks, whose old ones are nearly empty. */
#define NODES_PER_STEP   8u
#define BUCKETS_PER_STEP 32u

static size_t size_of(const struct table *table, const void *key)
{
    return table->layout.key_size > 0 ? table->layout.key_size : strlen(key);
}

static uint32_t hash_of(const struct table *table, const void *key)
{
    const uint64_t hash = hash_bytes(&table->secret, key, size_of(table, key));

    return (uint32_t)(hash ^ (hash >> 32));
}

static void *item_of(const struct table *table, const struct table_node *node)
{
    return node ? (char *)(uintptr_t)node - table->layout.node : NULL;
}

static char *key_of(const struct table *table, const struct table_node *node)
{
    return (char *)(uintptr_t)node + table->layout.key;
}

static bool has_key(const struct table *table, const struct table_node *node, const void *key)
{
    const char *own = key_of(table, node);

    return table->layout.key_size > 0 ? memcmp(own, key, table->layout.key_size) == 0
                                      : strcmp(own, key) == 0;
}

static struct table_node **bucket_of(const struct table *table, uint32_t hash)
{
    if (table->old && (hash & (table->old_size - 1)) >= table->moved)
        return &table->old[hash & (table->old_size - 1)];
    return &table->buckets[hash & (table->size - 1)];
}

static void insert(struct table_node **bucket, struct table_node *node)
{
    node->next = *bucket;
    *bucket = node;
}

static unsigned move_bucket(struct table *table)
{
    struct table_node *node = table->old[table->moved++];
    unsigned nodes = 0;

    for (struct table_node *after; node; node = after, nodes++) {
        after = node->next;
        insert(bucket_of(table, node->hash), node);
    }
    return nodes;
}

static void step(struct table *table)
{
    unsigned nodes = 0;

    for (unsigned i = 0; i < BUCKETS_PER_STEP && nodes < NODES_PER_STEP; i++) {
        if (table->moved < table->old_size)
            nodes += move_bucket(table);
    }
    if (table->moved < table->old_size)
        return;
    free(table->old);
    table->old = NULL;
}

static void resize(struct table *table, size_t size)
{
    table->old = table->buckets;
    table->old_size = table->size;
    table->moved = 0;
    table->buckets = mem_zalloc(size * sizeof(struct table_node *));
    table->size = size;
}

void table_init(struct table *table, struct table_layout layout)
{
    *table = (struct table){.layout = layout, .secret = hash_key_new()};
}

void table_release(struct table *table)
{
    free(table->old);
    free(table->buckets);
    table->old = NULL;
    table->buckets = NULL;
    table->size = 0;
    table->count = 0;
}

void table_add(struct table *table, struct table_node *node)
{
    if (table->old)
        step(table);
    else if (table->count >= table->size)
        resize(table, table->size > 0 ? table->size * 2 : MIN_BUCKETS);
    node->hash = hash_of(table, key_of(table, node));
    insert(bucket_of(table, node->hash), node);
    table->count++;
}

void table_remove(struct table *table, struct table_node *node)
{
    struct table_node **link = bucket_of(table, node->hash);

    while (*link != node) {
        assert(*link);
        link = &(*link)->next;
    }
    *link = node->next;
    node->next = NULL;
    table->count--;
    if (table->old)
        step(table);
    else if (table->size > MIN_BUCKETS && table->count < table->size / 8)
        resize(table, table->size / 2);
}

void *table_find(const struct table *table, const void *key)
{
    if (table->count == 0)
        return NULL;

    const uint32_t hash = hash_of(table, key);
    const struct table_node *node = *bucket_of(table, hash);

    while (node && (node->hash != hash || !has_key(table, node, key)))
        node = node->next;
    return item_of(table, node);
}

void *table_new_item(struct table *table, const void *key)
{
    const size_t size = table->layout.key_size > 0 ? table->layout.key_size : strlen(key) + 1;
    const size_t end = table->layout.node + (size_t)table->layout.key + size;
    char *item = mem_zalloc(end > table->layout.size ? end : table->layout.size);
    struct table_node *node = (struct table_node *)(void *)(item + table->layout.node);

    memcpy(key_of(table, node), key, size);
    table_add(table, node);
    return item;
}

/* What has been emptied counts as moved. */
void *table_first(struct table *table)
{
    if (table->count == 0)
        return NULL;
    for (;;) {
        if (!table->old)
            resize(table, table->size);
        while (table->moved < table->old_size && !table->old[table->moved])
            table->moved++;
        if (table->moved < table->old_size)
            return item_of(table, table->old[table->moved]);
        step(table);
    }
}

static void *first_from(const struct table *table, struct table_node *const *buckets, size_t at,
                        size_t size)
{
    while (at < size && !buckets[at])
        at++;
    return at < size ? item_of(table, buckets[at]) : NULL;
}

/* First the old buckets that are left, then the new ones. */
void *table_next(const struct table *table, const void *item)
{
    const struct table_node *node =
        item ? (const void *)((const char *)item + table->layout.node) : NULL;
    const size_t in_old = table->old && node ? node->hash & (table->old_size - 1) : 0;
    size_t at = 0;

    if (node && node->next)
        return item_of(table, node->next);
    if (node && (!table->old || in_old < table->moved)) {
        at = (node->hash & (table->size - 1)) + 1;
    } else if (table->old) {
        void *first =
            first_from(table, table->old, node ? in_old + 1 : table->moved, table->old_size);

        if (first)
            return first;
    }
    return first_from(table, table->buckets, at, table->size);
}
