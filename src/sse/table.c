/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/random.h"

#define MIN_BUCKETS 8u

struct siphash {
    uint64_t v0, v1, v2, v3;
};

static uint64_t rotate_left(uint64_t value, unsigned bits)
{
    return (value << bits) | (value >> (64u - bits));
}

static void siphash_round(struct siphash *state)
{
    state->v0 += state->v1;
    state->v1 = rotate_left(state->v1, 13) ^ state->v0;
    state->v0 = rotate_left(state->v0, 32);
    state->v2 += state->v3;
    state->v3 = rotate_left(state->v3, 16) ^ state->v2;
    state->v0 += state->v3;
    state->v3 = rotate_left(state->v3, 21) ^ state->v0;
    state->v2 += state->v1;
    state->v1 = rotate_left(state->v1, 17) ^ state->v2;
    state->v2 = rotate_left(state->v2, 32);
}

static void siphash_word(struct siphash *state, uint64_t word)
{
    state->v3 ^= word;
    siphash_round(state);
    state->v0 ^= word;
}

/* SipHash-1-3 (Aumasson and Bernstein), folded to 32 bits. Words in the machine's byte order: the
 * result never leaves the process. */
static uint32_t hash_text(const uint64_t secret[2], const char *text)
{
    const size_t length = strlen(text);
    struct siphash state = {
        .v0 = secret[0] ^ 0x736f6d6570736575u,
        .v1 = secret[1] ^ 0x646f72616e646f6du,
        .v2 = secret[0] ^ 0x6c7967656e657261u,
        .v3 = secret[1] ^ 0x7465646279746573u,
    };
    size_t at = 0;
    uint64_t word;

    for (; at + sizeof(word) <= length; at += sizeof(word)) {
        memcpy(&word, text + at, sizeof(word));
        siphash_word(&state, word);
    }
    word = (uint64_t)length << 56;
    memcpy(&word, text + at, length - at);
    siphash_word(&state, word);
    state.v2 ^= 0xffu;
    siphash_round(&state);
    siphash_round(&state);
    siphash_round(&state);
    word = state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
    return (uint32_t)(word ^ (word >> 32));
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
    *table = (struct sse_table){.key_offset = key_offset};
    random_bytes(table->secret, sizeof(table->secret));
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
    node->hash = hash_text(table->secret, key_of(table, node));
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

    const uint32_t hash = hash_text(table->secret, key);
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
