/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/directory.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sse/connection.h"
#include "sse/registry.h"
#include "sse/target.h"
#include "sse/user.h"

/* Values of a target that are looked up; one with more wakes all. */
#define VALUES_MOST 256u
/* Beside its channels: all, its user, token and tenant. */
#define FIXED_GROUPS 4u

/* A shard's connections in a group. */
struct share {
    struct share *next;
    uint32_t shard, count;
    uint64_t since;
};

struct group {
    struct table_node node;
    uint64_t key;
    struct share first; /* often the only one */
};

/* ---- sets ---- */

void shard_set_add(struct shard_set *set, size_t shard)
{
    set->words[shard / 64] |= UINT64_C(1) << (shard % 64);
}

bool shard_set_has(const struct shard_set *set, size_t shard)
{
    return (set->words[shard / 64] >> (shard % 64) & 1) != 0;
}

bool shard_set_is_empty(const struct shard_set *set)
{
    static const struct shard_set none;

    return memcmp(set, &none, sizeof(none)) == 0;
}

size_t shard_set_count(const struct shard_set *set)
{
    size_t count = 0;

    for (size_t i = 0; i < COUNT(set->words); i++) {
        for (uint64_t word = set->words[i]; word != 0; word &= word - 1)
            count++;
    }
    return count;
}

void shard_set_unite(struct shard_set *set, const struct shard_set *other)
{
    for (size_t i = 0; i < COUNT(set->words); i++)
        set->words[i] |= other->words[i];
}

/* ---- groups ---- */

/* The same text may be a user's and a channel's. */
uint64_t directory_group(const struct hash_key *key, enum sse_dimension dimension,
                         const char *value)
{
    return hash_text(key, value) + dimension;
}

/* "": it is in no such group. */
static void add_group(uint64_t *groups, size_t *count, const struct hash_key *key,
                      enum sse_dimension dimension, const char *value)
{
    if (value[0] != '\0' || dimension == SSE_ALL)
        groups[(*count)++] = directory_group(key, dimension, value);
}

static uint64_t *groups_of_user(const struct hash_key *key, const struct sse_user *user,
                                size_t channels, size_t *count)
{
    uint64_t *groups = mem_alloc((FIXED_GROUPS + channels) * sizeof(groups[0]));

    *count = 0;
    add_group(groups, count, key, SSE_ALL, "");
    add_group(groups, count, key, SSE_BY_USER, user->key);
    add_group(groups, count, key, SSE_BY_TOKEN, user->access_token);
    add_group(groups, count, key, SSE_BY_TENANT, user->tenant_id);
    return groups;
}

uint64_t *directory_groups_of(const struct hash_key *key, const struct sse_subject *subject,
                              size_t *count)
{
    uint64_t *groups = groups_of_user(key, subject->user, subject->channel_count, count);

    for (size_t i = 0; i < subject->channel_count; i++)
        add_group(groups, count, key, SSE_BY_CHANNEL, subject->channels[i]);
    return groups;
}

uint64_t *directory_groups_of_connection(const struct hash_key *key,
                                         const struct sse_connection *connection, size_t *count)
{
    const size_t channels = sse_registry_name_count(connection, SSE_GROUP_CHANNEL);
    uint64_t *groups = groups_of_user(key, connection->user, channels, count);

    for (size_t i = 0; i < channels; i++)
        add_group(groups, count, key, SSE_BY_CHANNEL,
                  sse_registry_name(connection, SSE_GROUP_CHANNEL, i));
    return groups;
}

/* ---- who is in which ---- */

void directory_init(struct directory *directory)
{
    table_init(&directory->groups, TABLE_BY_VALUE(struct group, node, key));
}

static struct share *share_of(const struct group *group, size_t shard)
{
    for (const struct share *share = &group->first; share; share = share->next) {
        if (share->shard == shard && share->count > 0)
            return (struct share *)(uintptr_t)share;
    }
    return NULL;
}

static struct share *share_new(struct group *group, size_t shard, uint64_t position)
{
    struct share *share = &group->first;

    if (share->count > 0) {
        share = mem_zalloc(sizeof(*share));
        share->next = group->first.next;
        group->first.next = share;
    }
    share->shard = (uint32_t)shard;
    share->since = position;
    return share;
}

static void join_one(struct directory *directory, uint64_t key, size_t shard, uint64_t position)
{
    struct group *group = table_find(&directory->groups, &key);
    struct share *share;

    if (!group)
        group = table_new_item(&directory->groups, &key);
    share = share_of(group, shard);
    if (!share)
        share = share_new(group, shard, position);
    share->count++;
}

void directory_join(struct directory *directory, const struct broker_groups *groups, size_t shard,
                    uint64_t position)
{
    for (size_t i = 0; i < groups->count; i++)
        join_one(directory, groups->keys[i], shard, position);
}

/* Nobody of this shard is in the group any more. */
static void share_end(struct directory *directory, struct group *group, struct share *share)
{
    struct share *next = group->first.next;

    if (share != &group->first) {
        struct share *before = &group->first;

        while (before->next != share)
            before = before->next;
        before->next = share->next;
        free(share);
    } else if (next) {
        group->first = *next;
        free(next);
    } else {
        table_remove(&directory->groups, &group->node);
        free(group);
    }
}

static void leave_one(struct directory *directory, uint64_t key, size_t shard)
{
    struct group *group = table_find(&directory->groups, &key);
    struct share *share = group ? share_of(group, shard) : NULL;

    if (share && --share->count == 0)
        share_end(directory, group, share);
}

void directory_leave(struct directory *directory, const struct broker_groups *groups, size_t shard)
{
    for (size_t i = 0; i < groups->count; i++)
        leave_one(directory, groups->keys[i], shard);
}

void directory_release(struct directory *directory)
{
    struct group *group;

    while ((group = table_first(&directory->groups))) {
        while (group->first.next)
            share_end(directory, group, group->first.next);
        share_end(directory, group, &group->first);
    }
    table_release(&directory->groups);
}

uint64_t directory_since(const struct directory *directory, uint64_t group, size_t shard)
{
    const struct group *found = table_find(&directory->groups, &group);
    const struct share *share = found ? share_of(found, shard) : NULL;

    return share ? share->since : 0;
}

uint64_t directory_joined(const struct directory *directory, const struct hash_key *key,
                          const struct broker_message *join)
{
    const struct broker_queues *queues = &join->queues;
    const enum sse_dimension dimension = queues->scope.dimension;
    const char *value =
        dimension == SSE_BY_TOKEN ? queues->subscriber.identity.token : queues->scope.value;
    const uint64_t joined = queues->subscriber.client.joined;
    uint64_t since = 0;

    if (value)
        since = directory_since(directory, directory_group(key, dimension, value), join->from);
    return since > joined ? since : joined;
}

/* ---- for whom ---- */

static void find_group(const struct directory *directory, const struct broker *broker,
                       enum sse_dimension dimension, const char *value, struct shard_set *set)
{
    const uint64_t key = directory_group(broker_key(broker), dimension, value);
    const struct group *group = table_find(&directory->groups, &key);

    for (const struct share *share = group ? &group->first : NULL; share; share = share->next)
        shard_set_add(set, share->shard);
}

/* A connection's name tells where it lives, or that it lives nowhere. */
static void find_value(const struct directory *directory, const struct broker *broker,
                       enum sse_dimension dimension, const char *value, struct shard_set *set)
{
    size_t shard;

    if (dimension == SSE_BY_CONNECTION) {
        shard = broker_shard_of(broker, value);
        if (shard != SIZE_MAX)
            shard_set_add(set, shard);
        return;
    }
    find_group(directory, broker, dimension, value, set);
    /* Where users have no tenant in their keys, all are meant who have that id. */
    if (dimension == SSE_BY_USER && sse_user_key_has_tenant(value))
        find_group(directory, broker, dimension, sse_user_key_id(value), set);
}

void directory_find(const struct directory *directory, const struct broker *broker,
                    const struct sse_target *target, struct shard_set *set)
{
    if (target->dimension == SSE_ALL || target->count > VALUES_MOST) {
        find_group(directory, broker, SSE_ALL, "", set);
        return;
    }
    for (size_t i = 0; i < target->count; i++)
        find_value(directory, broker, target->dimension, target->values[i], set);
}

/* ---- a shard tells ---- */

size_t broker_groups_size(size_t count)
{
    return broker_block_size(count * sizeof(uint64_t));
}

void group_teller_tell(const struct group_teller *teller, const uint64_t *joined,
                       size_t joined_count, const uint64_t *left, size_t left_count)
{
    struct broker_message *message =
        broker_message_new(BROKER_CHANGE, teller->index,
                           broker_groups_size(joined_count) + broker_groups_size(left_count));

    message->change.joined = broker_message_groups(message, joined, joined_count);
    message->change.left = broker_message_groups(message, left, left_count);
    broker_send(teller->broker, broker_owner(teller->broker, teller->index), message);
}

void group_teller_tell_user(const struct group_teller *teller,
                            const struct sse_connection *connection, const struct sse_user *user)
{
    const struct hash_key *key = broker_key(teller->broker);
    size_t left_count, joined_count;
    uint64_t *left =
        directory_groups_of(key, &(struct sse_subject){.user = connection->user}, &left_count);
    uint64_t *joined = directory_groups_of(key, &(struct sse_subject){.user = user}, &joined_count);

    group_teller_tell(teller, joined, joined_count, left, left_count);
    free(left);
    free(joined);
}

static void on_channel(struct sse_observer *observer, struct sse_connection *connection,
                       const char *channel, bool after)
{
    const struct group_teller *teller = container_of(observer, struct group_teller, observer);
    const uint64_t group = directory_group(broker_key(teller->broker), SSE_BY_CHANNEL, channel);

    (void)connection;
    group_teller_tell(teller, &group, after ? 1 : 0, &group, after ? 0 : 1);
}

void group_teller_init(struct group_teller *teller, struct broker *broker, size_t index,
                       struct sse_service *core)
{
    *teller = (struct group_teller){
        .observer = {.on_channel = on_channel}, .broker = broker, .index = index};
    list_append(&core->observers, &teller->observer.node);
}

void group_teller_release(struct group_teller *teller)
{
    list_remove(&teller->observer.node);
}
