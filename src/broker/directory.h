/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_DIRECTORY_H
#define BROKER_DIRECTORY_H
/*
 * Which shards have somebody in a group: of a user, a token, a tenant or a channel, and of all.
 * The owner keeps it, and wakes only the shards that have somebody for a message. Groups are
 * hashes; two that collide cost a shard a wake-up for nothing. Listeners are not in it: a target
 * that asks for them has a group all the same.
 *
 * What always holds: a message that is appended to the log after a connection was in a group, as
 * far as its sender can know, wakes the connection's shard. A connection's groups are in the
 * directory before it opens (BROKER_ATTACH). A group that it joins is told to the owner
 * (BROKER_CHANGE) before its page has the answer; whatever the page then causes comes later in the
 * owner's one inbox. A shard does not look at messages that it was not woken for, so those who get
 * an event are those who were counted. What it has been told of (sse_service.position) may be
 * behind the log's end by messages that were for nobody there. It attaches at the end of the log,
 * as the owner says.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/table.h"
#include "broker/broker.h"
#include "sse/service.h"
#include "sse/target.h"

struct sse_connection;
struct sse_subject;
struct sse_user;

struct shard_set {
    uint64_t words[BROKER_WORKERS_MOST / 64];
};

struct directory {
    struct table groups;
};

void shard_set_add(struct shard_set *set, size_t shard);
bool shard_set_has(const struct shard_set *set, size_t shard);
bool shard_set_is_empty(const struct shard_set *set);
size_t shard_set_count(const struct shard_set *set);
void shard_set_unite(struct shard_set *set, const struct shard_set *other);

/* A group's hash, the same in all workers: key is the broker's. */
uint64_t directory_group(const struct hash_key *key, enum sse_dimension dimension,
                         const char *value);
/* Those of a user, or of a connection with these channels. Allocated; *count is set. */
uint64_t *directory_groups_of(const struct hash_key *key, const struct sse_subject *subject,
                              size_t *count);
uint64_t *directory_groups_of_connection(const struct hash_key *key,
                                         const struct sse_connection *connection, size_t *count);

void directory_init(struct directory *directory);
void directory_release(struct directory *directory);

/* One more, or one less, of a shard's connections is in these groups. position: the log's last. */
void directory_join(struct directory *directory, const struct broker_groups *groups, size_t shard,
                    uint64_t position);
void directory_leave(struct directory *directory, const struct broker_groups *groups, size_t shard);
/* The position behind which the shard has been woken for this group; 0: it is not in it. */
uint64_t directory_since(const struct directory *directory, uint64_t group, size_t shard);

/* Of BROKER_JOIN_QUEUES: the position behind which the connection has what goes to these queues.
 * Its shard does not know of what was for nobody there. */
uint64_t directory_joined(const struct directory *directory, const struct hash_key *key,
                          const struct broker_message *join);

/* Adds the shards that may have somebody for the target. */
void directory_find(const struct directory *directory, const struct broker *broker,
                    const struct sse_target *target, struct shard_set *set);

/* ---- a shard ---- */

/* Tells the owner which groups the connections of this worker join and leave while they are open.
 * Embedded in the service. */
struct group_teller {
    struct sse_observer observer;
    struct broker *broker;
    size_t index; /* the service's */
};

void group_teller_init(struct group_teller *teller, struct broker *broker, size_t index,
                       struct sse_service *core);
void group_teller_release(struct group_teller *teller);

/* What a message takes for so many groups. */
size_t broker_groups_size(size_t count);

void group_teller_tell(const struct group_teller *teller, const uint64_t *joined,
                       size_t joined_count, const uint64_t *left, size_t left_count);
/* Before a connection gets another user (sse_connection_set_user()). */
void group_teller_tell_user(const struct group_teller *teller,
                            const struct sse_connection *connection, const struct sse_user *user);

#endif
