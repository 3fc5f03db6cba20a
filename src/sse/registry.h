/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_REGISTRY_H
#define SSE_REGISTRY_H
/*
 * The connections of one service in one worker, by handle and by group: user, token, tenant, and
 * any number of channels and listeners. Join and leave cost the same however large a group is.
 *
 * A group is a dense array of members. Whoever walks one in slices goes from the end to the start
 * and marks whom it has seen: a member that leaves is replaced by the last one, which was seen
 * already or came later, so that nobody is missed. A newcomer may be moved into the walker's way
 * like that: whoever minds tells it by its mark (sse/dispatch.h).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sse/target.h"

struct sse_connection;
struct sse_registry;
struct sse_user;

struct sse_group {
    struct sse_connection **members;
    size_t count;
};

/* The kinds of group; user to channel are the sse_dimensions of the same value. */
enum sse_group_kind {
    SSE_GROUP_USER = SSE_BY_USER,
    SSE_GROUP_TOKEN = SSE_BY_TOKEN,
    SSE_GROUP_TENANT = SSE_BY_TENANT,
    SSE_GROUP_CHANNEL = SSE_BY_CHANNEL,
    SSE_GROUP_LISTENER,
    SSE_GROUP_KINDS
};

struct sse_registry *sse_registry_new(void);
void sse_registry_free(struct sse_registry *registry); /* every connection must be forgotten */

/* The connection joins the groups of its user: key, token, tenant; "" joins none. */
void sse_registry_add(struct sse_registry *registry, struct sse_connection *connection);
/* Takes it out of every group; its names can still be told, until it is forgotten. */
void sse_registry_remove(struct sse_registry *registry, struct sse_connection *connection);
void sse_registry_forget(struct sse_registry *registry, struct sse_connection *connection);

/* Changes connection->user, whose references are the caller's, and the groups that follow from it.
 */
void sse_registry_set_user(struct sse_registry *registry, struct sse_connection *connection,
                           struct sse_user *user);

/* A connection has any number of names of the kinds SSE_GROUP_CHANNEL and SSE_GROUP_LISTENER.
 * False when it has, or has not, the name already. */
bool sse_registry_join(struct sse_registry *registry, struct sse_connection *connection,
                       enum sse_group_kind kind, const char *name);
bool sse_registry_leave(struct sse_registry *registry, struct sse_connection *connection,
                        enum sse_group_kind kind, const char *name);

/* Its names of such a kind, in the order in which they came. */
size_t sse_registry_name_count(const struct sse_connection *connection, enum sse_group_kind kind);
const char *sse_registry_name(const struct sse_connection *connection, enum sse_group_kind kind,
                              size_t index);

struct sse_connection *sse_registry_find(const struct sse_registry *registry, const char *handle);
/* The one whose page has shown this as its id; a handle is none. */
struct sse_connection *sse_registry_find_own(const struct sse_registry *registry, const char *id);
/* NULL when the group is empty. The pointer is good until the next change of the registry. Where
 * users have no tenant in their keys, a key with one finds all who have that id: sse_user_is()
 * tells who of them is meant. */
const struct sse_group *sse_registry_group(const struct sse_registry *registry,
                                           enum sse_group_kind kind, const char *key);
const struct sse_group *sse_registry_all(const struct sse_registry *registry); /* never NULL */

/* Whether the connection is in this group: compares pointers, looks nothing up. */
bool sse_registry_is_member(const struct sse_connection *connection, const struct sse_group *group);
/* Grows with every change: the same number means that pointers to groups are still good. */
uint64_t sse_registry_changes(const struct sse_registry *registry);

size_t sse_registry_group_count(const struct sse_registry *registry, enum sse_group_kind kind);

#endif
