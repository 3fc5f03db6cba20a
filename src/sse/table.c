/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define MIN_BUCKETS 8u

static uint32_t hash_of(const struct sse_table *table, const char *key)
{
    const uint64_t hash = hash_text(&table->secret, key);

    return (uint32_t)(hash ^ (hash >> 32));
}

static const char *key_of(const struct sse_table *table, const struct sse_table_node *node)
{
    return (const char *)node + table->key_offset;
}

static struct sse_table_node **bucket_of(const struct sse_table *table, uint32_t hash)
{
    return &table->buckets[hash & (table->size - 1)];
}

static void insert(struct sse_table *table, struct sse_table_node *node)
{
    struct sse_table_node **bucket = bucket_of(table, node->hash);

    node->next = *bucket;
    *bucket = node;
}

static void resize(struct sse_table *table, size_t size)
{
    struct sse_table_node **old = table->buckets;
    const size_t old_size = table->size;

    table->buckets = mem_zalloc(size * sizeof(struct sse_table_node *));
    table->size = size;
    for (size_t i = 0; i < old_size; i++) {
        for (struct sse_table_node *node = old[i], *after; node; node = after) {
            after = node->next;
            insert(table, node);
        }
    }
    free(old);
}

void sse_table_init(struct sse_table *table, size_t key_offset)
{
    *table = (struct sse_table){.key_offset = key_offset, .secret = hash_key_new()};
}

void sse_table_release(struct sse_table *table)
{
    free(table->buckets);
    table->buckets = NULL;
    table->size = 0;
    table->count = 0;
}

void sse_table_add(struct sse_table *table, struct sse_table_node *node)
{
    if (table->count >= table->size)
        resize(table, table->size > 0 ? table->size * 2 : MIN_BUCKETS);
    node->hash = hash_of(table, key_of(table, node));
    insert(table, node);
    table->count++;
}

void sse_table_remove(struct sse_table *table, struct sse_table_node *node)
{
    struct sse_table_node **link = bucket_of(table, node->hash);

    while (*link != node) {
        assert(*link);
        link = &(*link)->next;
    }
    *link = node->next;
    node->next = NULL;
    table->count--;
    if (table->size > MIN_BUCKETS && table->count < table->size / 8)
        resize(table, table->size / 2);
}

struct sse_table_node *sse_table_find(const struct sse_table *table, const char *key)
{
    if (table->count == 0)
        return NULL;

    const uint32_t hash = hash_of(table, key);
    struct sse_table_node *node = *bucket_of(table, hash);

    while (node && (node->hash != hash || strcmp(key_of(table, node), key) != 0))
        node = node->next;
    return node;
}

struct sse_table_node *sse_table_next(const struct sse_table *table,
                                      const struct sse_table_node *node)
{
    size_t i = 0;

    if (node) {
        if (node->next)
            return node->next;
        i = (node->hash & (table->size - 1)) + 1;
    }
    while (i < table->size && !table->buckets[i])
        i++;
    return i < table->size ? table->buckets[i] : NULL;
}
