/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H
/*
 * Finds items by a key: a hash table whose nodes are embedded in the items, 16 bytes each. The key
 * is in the item, too: a text, or a value of fixed size such as a number. The hash is keyed with a
 * secret of each table (base/hash.h), because most keys come from strangers. The table owns its
 * buckets; the items are their user's.
 *
 * It grows and shrinks in steps: each item that comes or goes moves a few others from the old
 * buckets to the new ones, so that none has to wait until all are moved.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"

struct table_node {
    struct table_node *next;
    uint32_t hash;
};

/* Where in the items their node and their key are; by TABLE_BY_TEXT() and TABLE_BY_VALUE(). */
struct table_layout {
    uint32_t node;
    int32_t key;       /* from the node on */
    uint32_t key_size; /* 0: a text */
    uint32_t size;     /* of an item, without a text behind it */
};

#define TABLE_LAYOUT(type, node, key, key_size)                                                    \
    ((struct table_layout){offsetof(type, node),                                                   \
                           (int32_t)offsetof(type, key) - (int32_t)offsetof(type, node), key_size, \
                           sizeof(type)})
/* The key is a text: a char array, or a flexible array member. */
#define TABLE_BY_TEXT(type, node, key) TABLE_LAYOUT(type, node, key, 0)
/* The key is a member of fixed size without padding: a number, a digest. */
#define TABLE_BY_VALUE(type, node, key) TABLE_LAYOUT(type, node, key, sizeof(((type *)NULL)->key))

struct table {
    struct table_node **buckets; /* NULL while there are none */
    size_t size;                 /* of buckets: a power of two, or 0 */
    size_t count;                /* of items */
    struct table_node **old;     /* those before the latest change of size; NULL: all have moved */
    size_t old_size;
    size_t moved; /* so many of the old ones are empty, from the first on */
    struct table_layout layout;
    struct hash_key secret;
};

void table_init(struct table *table, struct table_layout layout);
void table_release(struct table *table);

/* The item's key must be in place, and must not be in the table yet. */
void table_add(struct table *table, struct table_node *node);
void table_remove(struct table *table, struct table_node *node);

/* A key is a text, or points to a value. Returns the item, not its node; NULL: there is none. */
void *table_find(const struct table *table, const void *key);

/* Allocates a zero-filled item with this key, which must not be in the table yet, and adds it. Who
 * has removed it frees it. The key of a text must be the last member. */
void *table_new_item(struct table *table, const void *key);

/* Some item, or NULL: for who takes out all, one by one. Looks no more than once at each bucket. */
void *table_first(struct table *table);

/* The item after this one in no particular order, NULL after the last; the first for NULL. The
 * table must not change between two steps. */
void *table_next(const struct table *table, const void *item);

#endif
