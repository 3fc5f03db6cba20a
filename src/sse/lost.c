/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/lost.h"

#include <stdlib.h>

#include "base/mem.h"
#include "sse/subject.h"
#include "sse/target.h"
#include "sse/user.h"
#include "sse/user_key.h"

#define SIZE_LEAST ((size_t)1 << 14) /* 128 KiB, and only what is written of them is there */
#define SIZE_MOST  ((size_t)1 << 16)
/* A place holds a position, and below it a tag of whose it is, by other bits of the hash. */
#define TAG_BITS 16
#define OF_MANY  UINT64_C(0xffff)

void sse_lost_init(struct sse_lost *lost, size_t events)
{
    *lost = (struct sse_lost){.key = hash_key_new(), .size = SIZE_LEAST};
    while (lost->size < events && lost->size < SIZE_MOST)
        lost->size *= 2;
}

void sse_lost_release(struct sse_lost *lost)
{
    free(lost->positions);
}

static uint64_t *place_of(const struct sse_lost *lost, uint64_t hash)
{
    return &lost->positions[hash & (lost->size - 1)];
}

/* The same text may be a user's and a channel's. */
static uint64_t hash_of(const struct sse_lost *lost, enum sse_dimension dimension,
                        const char *value)
{
    return hash_text(&lost->key, value) + dimension;
}

static uint64_t tag_of(uint64_t hash)
{
    return (hash >> (64 - TAG_BITS)) % OF_MANY;
}

static void set(const struct sse_lost *lost, uint64_t hash, uint64_t position)
{
    uint64_t *place = place_of(lost, hash);
    const bool is_alone = *place == 0 || (*place & OF_MANY) == tag_of(hash);

    *place = position << TAG_BITS | (is_alone ? tag_of(hash) : OF_MANY);
}

void sse_lost_add(struct sse_lost *lost, const struct sse_target *target, uint64_t position)
{
    if (target->dimension == SSE_ALL) {
        lost->to_all = position;
        return;
    }
    if (!lost->positions)
        lost->positions = mem_zalloc(lost->size * sizeof(*lost->positions));
    for (size_t i = 0; i < target->count; i++) {
        const char *value = target->values[i];
        const char *id = target->dimension == SSE_BY_USER ? sse_user_key_id(value) : value;

        set(lost, hash_of(lost, target->dimension, value), position);
        if (id != value) /* whose key has no tenant may be meant as well */
            set(lost, hash_of(lost, SSE_BY_USER, id), position);
    }
}

static bool has(const struct sse_lost *lost, enum sse_dimension dimension, const char *value,
                uint64_t position)
{
    uint64_t hash, place;

    if (!value || value[0] == '\0')
        return false;
    hash = hash_of(lost, dimension, value);
    place = *place_of(lost, hash);
    return place >> TAG_BITS > position &&
           ((place & OF_MANY) == tag_of(hash) || (place & OF_MANY) == OF_MANY);
}

bool sse_lost_since(const struct sse_lost *lost, const struct sse_subject *subject,
                    uint64_t position)
{
    const struct sse_user *user = subject->user;

    if (lost->to_all > position)
        return true;
    if (!lost->positions)
        return false;
    for (size_t i = 0; i < subject->channel_count; i++) {
        if (has(lost, SSE_BY_CHANNEL, subject->channels[i], position))
            return true;
    }
    return has(lost, SSE_BY_USER, user->key, position) ||
           has(lost, SSE_BY_TOKEN, user->access_token, position) ||
           has(lost, SSE_BY_TENANT, user->tenant_id, position) ||
           has(lost, SSE_BY_CONNECTION, subject->connection_id, position);
}
