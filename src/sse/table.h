/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_TABLE_H
#define SSE_TABLE_H
/*
 * Finds things by their text: a hash table whose nodes are embedded in the things, 16 bytes each,
 * with the text in the same struct. The hash is keyed with a secret of each table (base/hash.h),
 * because most of the texts come from strangers. Owns its buckets and nothing else.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"

struct sse_table_node {
    struct sse_table_node *next;
    uint32_t hash;
};

struct sse_table {
    struct sse_table_node **buckets; /* NULL while there are none */
    size_t size;                     /* of buckets: a power of two, or 0 */
    size_t count;
    size_t key_offset; /* from a node to its text */
    struct hash_key secret;
};

/* key is a char array in struct type, behind its member node. */
#define SSE_TABLE_KEY_OFFSET(type, node, key) (offsetof(type, key) - offsetof(type, node))

void sse_table_init(struct sse_table *table, size_t key_offset);
void sse_table_release(struct sse_table *table);

/* The node's text must be in place, and must not be in the table yet. */
void sse_table_add(struct sse_table *table, struct sse_table_node *node);
void sse_table_remove(struct sse_table *table, struct sse_table_node *node);
struct sse_table_node *sse_table_find(const struct sse_table *table, const char *key);

/* The node after this one in no particular order, NULL after the last; the first for NULL. The
 * table must not change between two steps. */
struct sse_table_node *sse_table_next(const struct sse_table *table,
                                      const struct sse_table_node *node);

#endif
