/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/registry.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/table.h"
#include "sse/connection.h"
#include "sse/user.h"

#define FIRST_CAPACITY 4u
/* Memberships of which every connection has one place each; then come its channels, then its
 * listeners. */
#define FIXED SSE_GROUP_CHANNEL
/* Places grow two at a time: the first beyond the fixed ones is there for the usual channel. */
#define CAPACITY(count) (((count) + 1u) & ~1u)

/* A group lives as long as a membership names it; with no members left it is not found. */
struct group {
    struct sse_group walked; /* first: this is what is handed out */
    struct table_node node;
    struct sse_connection *only; /* the whole array of a group of one */
    uint32_t capacity;
    uint32_t refs;
    enum sse_group_kind kind;
    char key[];
};

struct sse_membership {
    struct group *group; /* NULL: the connection has no such value */
    uint32_t index;      /* of the connection among the members */
};

struct sse_registry {
    struct sse_group all;
    size_t all_capacity;
    struct table connections;
    struct table groups[SSE_GROUP_KINDS];
    size_t found[SSE_GROUP_KINDS]; /* groups with members */
    uint64_t changes;
};

static struct group *group_of(const struct sse_group *walked)
{
    return (struct group *)(uintptr_t)walked;
}

/* Where the names of a kind begin, and how many they are. */
static uint32_t first_of(const struct sse_connection *connection, enum sse_group_kind kind)
{
    return kind == SSE_GROUP_CHANNEL ? FIXED : FIXED + connection->channel_count;
}

size_t sse_registry_name_count(const struct sse_connection *connection, enum sse_group_kind kind)
{
    if (kind == SSE_GROUP_CHANNEL)
        return connection->channel_count;
    return connection->membership_count - FIXED - connection->channel_count;
}

static struct sse_membership *membership_of(const struct sse_connection *connection,
                                            const struct group *group)
{
    struct sse_membership *membership = connection->memberships;
    size_t count;

    if (group->kind < FIXED)
        return membership[group->kind].group == group ? &membership[group->kind] : NULL;
    membership += first_of(connection, group->kind);
    count = sse_registry_name_count(connection, group->kind);
    for (size_t i = 0; i < count; i++) {
        if (membership[i].group == group)
            return &membership[i];
    }
    return NULL;
}

static struct group *group_open(struct sse_registry *registry, enum sse_group_kind kind,
                                const char *key)
{
    struct group *group = table_find(&registry->groups[kind], key);

    if (!group) {
        group = table_new_item(&registry->groups[kind], key);
        group->kind = kind;
        group->capacity = 1;
        group->walked.members = &group->only;
    }
    group->refs++;
    return group;
}

static void group_unref(struct sse_registry *registry, struct group *group)
{
    if (--group->refs > 0)
        return;
    assert(group->walked.count == 0);
    table_remove(&registry->groups[group->kind], &group->node);
    free(group);
}

static void group_resize(struct group *group, uint32_t capacity)
{
    struct sse_connection **members = group->walked.members;

    if (capacity == 1) {
        group->only = members[0];
        free(members);
        members = &group->only;
    } else if (members == &group->only) {
        members = mem_alloc(capacity * sizeof(struct sse_connection *));
        members[0] = group->only;
    } else {
        members = mem_realloc(members, capacity * sizeof(struct sse_connection *));
    }
    group->walked.members = members;
    group->capacity = capacity;
}

static void group_join(struct sse_registry *registry, struct group *group,
                       struct sse_connection *connection, struct sse_membership *membership)
{
    struct sse_group *walked = &group->walked;

    if (walked->count == group->capacity)
        group_resize(group, group->capacity == 1 ? FIRST_CAPACITY : group->capacity * 2);
    if (walked->count == 0)
        registry->found[group->kind]++;
    membership->group = group;
    membership->index = (uint32_t)walked->count;
    walked->members[walked->count++] = connection;
}

static void group_leave(struct sse_registry *registry, const struct sse_membership *membership)
{
    struct group *group = membership->group;
    struct sse_group *walked = &group->walked;
    struct sse_connection *last = walked->members[walked->count - 1];

    membership_of(last, group)->index = membership->index;
    walked->members[membership->index] = last;
    walked->count--;
    if (walked->count == 0)
        registry->found[group->kind]--;
    if (group->capacity > 1 && walked->count <= 1)
        group_resize(group, 1);
    else if (group->capacity > FIRST_CAPACITY && walked->count <= group->capacity / 4)
        group_resize(group, group->capacity / 2);
}

struct sse_registry *sse_registry_new(void)
{
    struct sse_registry *registry = mem_zalloc(sizeof(*registry));

    table_init(&registry->connections, TABLE_BY_TEXT(struct sse_connection, node, handle));
    for (size_t kind = 0; kind < SSE_GROUP_KINDS; kind++)
        table_init(&registry->groups[kind], TABLE_BY_TEXT(struct group, node, key));
    return registry;
}

void sse_registry_free(struct sse_registry *registry)
{
    if (!registry)
        return;
    assert(registry->all.count == 0);
    table_release(&registry->connections);
    for (size_t kind = 0; kind < SSE_GROUP_KINDS; kind++) {
        assert(registry->groups[kind].count == 0);
        table_release(&registry->groups[kind]);
    }
    free(registry->all.members);
    free(registry);
}

static void all_join(struct sse_registry *registry, struct sse_connection *connection)
{
    struct sse_group *all = &registry->all;

    if (all->count == registry->all_capacity) {
        registry->all_capacity = registry->all_capacity ? registry->all_capacity * 2 : 16;
        all->members =
            mem_realloc(all->members, registry->all_capacity * sizeof(struct sse_connection *));
    }
    connection->registry_index = (uint32_t)all->count;
    all->members[all->count++] = connection;
}

static void all_leave(struct sse_registry *registry, const struct sse_connection *connection)
{
    struct sse_group *all = &registry->all;
    struct sse_connection *last = all->members[--all->count];

    last->registry_index = connection->registry_index;
    all->members[connection->registry_index] = last;
}

static const char *key_of(const struct sse_user *user, unsigned kind)
{
    const char *const keys[FIXED] = {[SSE_GROUP_USER] = user->key,
                                     [SSE_GROUP_TOKEN] = user->access_token,
                                     [SSE_GROUP_TENANT] = user->tenant_id};

    return keys[kind];
}

static void join_fixed(struct sse_registry *registry, struct sse_connection *connection,
                       unsigned kind)
{
    const char *key = key_of(connection->user, kind);

    if (key[0] != '\0')
        group_join(registry, group_open(registry, (enum sse_group_kind)kind, key), connection,
                   &connection->memberships[kind]);
}

void sse_registry_add(struct sse_registry *registry, struct sse_connection *connection)
{
    connection->memberships = mem_zalloc(CAPACITY(FIXED) * sizeof(struct sse_membership));
    connection->membership_count = FIXED;
    connection->channel_count = 0;
    for (unsigned kind = 0; kind < FIXED; kind++)
        join_fixed(registry, connection, kind);
    all_join(registry, connection);
    table_add(&registry->connections, &connection->node);
    registry->changes++;
}

void sse_registry_set_user(struct sse_registry *registry, struct sse_connection *connection,
                           struct sse_user *user)
{
    const struct sse_user *before = connection->user;

    connection->user = user;
    for (unsigned kind = 0; kind < FIXED; kind++) {
        struct sse_membership *membership = &connection->memberships[kind];

        if (strcmp(key_of(before, kind), key_of(user, kind)) == 0)
            continue;
        if (membership->group) {
            group_leave(registry, membership);
            group_unref(registry, membership->group);
            membership->group = NULL;
        }
        join_fixed(registry, connection, kind);
    }
    registry->changes++;
}

void sse_registry_remove(struct sse_registry *registry, struct sse_connection *connection)
{
    for (uint32_t i = 0; i < connection->membership_count; i++) {
        if (connection->memberships[i].group)
            group_leave(registry, &connection->memberships[i]);
    }
    all_leave(registry, connection);
    table_remove(&registry->connections, &connection->node);
    registry->changes++;
}

void sse_registry_forget(struct sse_registry *registry, struct sse_connection *connection)
{
    for (uint32_t i = 0; i < connection->membership_count; i++) {
        if (connection->memberships[i].group)
            group_unref(registry, connection->memberships[i].group);
    }
    free(connection->memberships);
    connection->memberships = NULL;
    connection->membership_count = 0;
    connection->channel_count = 0;
}

/* Makes place for a membership behind those of its kind. */
static struct sse_membership *insert(struct sse_connection *connection, enum sse_group_kind kind)
{
    const uint32_t count = connection->membership_count++;
    const uint32_t at = kind == SSE_GROUP_CHANNEL ? FIXED + connection->channel_count++ : count;
    struct sse_membership *memberships = connection->memberships;

    if (count == CAPACITY(count))
        memberships = mem_realloc(memberships, CAPACITY(count + 1) * sizeof(struct sse_membership));
    connection->memberships = memberships;
    memmove(memberships + at + 1, memberships + at, (count - at) * sizeof(struct sse_membership));
    return &memberships[at];
}

static void take_out(struct sse_connection *connection, struct sse_membership *membership,
                     enum sse_group_kind kind)
{
    const size_t at = (size_t)(membership - connection->memberships);

    connection->membership_count--;
    if (kind == SSE_GROUP_CHANNEL)
        connection->channel_count--;
    memmove(membership, membership + 1,
            (connection->membership_count - at) * sizeof(struct sse_membership));
}

bool sse_registry_join(struct sse_registry *registry, struct sse_connection *connection,
                       enum sse_group_kind kind, const char *name)
{
    struct group *group = group_open(registry, kind, name);

    if (membership_of(connection, group)) {
        group_unref(registry, group);
        return false;
    }
    group_join(registry, group, connection, insert(connection, kind));
    registry->changes++;
    return true;
}

bool sse_registry_leave(struct sse_registry *registry, struct sse_connection *connection,
                        enum sse_group_kind kind, const char *name)
{
    struct group *group = table_find(&registry->groups[kind], name);
    struct sse_membership *membership = group ? membership_of(connection, group) : NULL;

    if (!membership)
        return false;
    group_leave(registry, membership);
    take_out(connection, membership, kind);
    group_unref(registry, group);
    registry->changes++;
    return true;
}

const char *sse_registry_name(const struct sse_connection *connection, enum sse_group_kind kind,
                              size_t index)
{
    return connection->memberships[first_of(connection, kind) + index].group->key;
}

struct sse_connection *sse_registry_find(const struct sse_registry *registry, const char *handle)
{
    return table_find(&registry->connections, handle);
}

struct sse_connection *sse_registry_find_own(const struct sse_registry *registry, const char *id)
{
    return sse_connection_id_find(&registry->connections, id);
}

const struct sse_group *sse_registry_group(const struct sse_registry *registry,
                                           enum sse_group_kind kind, const char *key)
{
    const struct group *group = table_find(&registry->groups[kind], key);

    if (!group && kind == SSE_GROUP_USER && sse_user_key_has_tenant(key))
        group = table_find(&registry->groups[kind], sse_user_key_id(key));
    return group && group->walked.count > 0 ? &group->walked : NULL;
}

const struct sse_group *sse_registry_all(const struct sse_registry *registry)
{
    return &registry->all;
}

bool sse_registry_is_member(const struct sse_connection *connection, const struct sse_group *group)
{
    return membership_of(connection, group_of(group)) != NULL;
}

uint64_t sse_registry_changes(const struct sse_registry *registry)
{
    return registry->changes;
}

size_t sse_registry_group_count(const struct sse_registry *registry, enum sse_group_kind kind)
{
    return registry->found[kind];
}
