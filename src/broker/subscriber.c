/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/subscriber.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"
#include "qos/copies.h"
#include "sse/connection.h"
#include "sse/service.h"
#include "sse/user.h"

#define FIXED_RECIPIENTS 6u /* user twice, token, tenant, connection, all */

/* ---- the client ---- */

/* A number for a text that follows others; before: theirs, 0 for the first. Strangers cannot know
 * it. */
static uint64_t hash_next(const struct sse_shard *shard, uint64_t before, const char *text)
{
    const struct hash_key key = {{shard->key.words[0] ^ before, shard->key.words[1]}};

    return hash_text(&key, text);
}

/* 0: its page did not say. */
static uint64_t instance_of(const struct sse_connection *connection)
{
    const struct sse_user *user = connection->user;
    const struct sse_client_info info = sse_connection_info(connection);

    if (!info.client_id || !info.client_instance_id || *info.client_instance_id == '\0')
        return 0;

    const char *const names[] = {user->tenant_id, user->id, info.client_id,
                                 info.client_instance_id};
    uint64_t hash = 0;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        hash = hash_next(&connection->home->shard, hash, names[i]);
    return hash | 1;
}

struct consumer broker_client_of(const struct sse_connection *connection)
{
    struct consumer client = {
        .worker = connection->home->shard.number,
        .instance = instance_of(connection),
        .is_silent = !connection->acknowledges,
        .joined = connection->joined,
        .resumed = connection->resumed,
        .opened = connection->opened,
    };

    memcpy(client.id, connection->handle, sizeof(client.id));
    return client;
}

struct consumer broker_client_in(const struct consumer *client,
                                 const struct qos_recipient *recipient)
{
    struct consumer seen = *client;

    if (qos_recipient_is_individual(recipient))
        seen.resumed = seen.opened;
    return seen;
}

/* ---- in a message ---- */

size_t broker_names_size(const struct sse_connection *connection, enum sse_group_kind kind)
{
    const size_t count = sse_registry_name_count(connection, kind);
    size_t size = broker_block_size(count * sizeof(char *));

    for (size_t i = 0; i < count; i++)
        size += broker_text_size(sse_registry_name(connection, kind, i));
    return size;
}

const char *const *broker_names_write(struct broker_message *message,
                                      const struct sse_connection *connection,
                                      enum sse_group_kind kind, size_t *count)
{
    const char **names;

    *count = sse_registry_name_count(connection, kind);
    names = broker_message_block(message, *count * sizeof(names[0]));
    for (size_t i = 0; i < *count; i++)
        names[i] = broker_message_text(message, sse_registry_name(connection, kind, i));
    return names;
}

size_t broker_identity_size(const struct sse_connection *connection)
{
    const struct sse_user *user = connection->user;

    return broker_text_size(user->key) + broker_text_size(user->tenant_id) +
           broker_text_size(user->id) + broker_text_size(user->access_token) +
           broker_text_size(user->tenant_id) + broker_text_size(connection->handle) +
           broker_names_size(connection, SSE_GROUP_CHANNEL);
}

void broker_identity_write(struct broker_message *message, struct qos_identity *identity,
                           const struct sse_connection *connection)
{
    const struct sse_user *user = connection->user;
    char *in_tenant = sse_user_key_new(user->tenant_id, user->id);

    identity->channels =
        broker_names_write(message, connection, SSE_GROUP_CHANNEL, &identity->channel_count);
    identity->user_key = broker_message_text(message, user->key);
    identity->user_in_tenant = broker_message_text(message, in_tenant);
    identity->token = broker_message_text(message, user->access_token);
    identity->tenant_id = broker_message_text(message, user->tenant_id);
    identity->connection_id = broker_message_text(message, connection->handle);
    free(in_tenant);
}

size_t broker_identity_copy_size(const struct qos_identity *identity)
{
    return broker_list_size(identity->channels, identity->channel_count) +
           broker_text_size(identity->user_key) + broker_text_size(identity->user_in_tenant) +
           broker_text_size(identity->token) + broker_text_size(identity->tenant_id) +
           broker_text_size(identity->connection_id);
}

void broker_identity_copy(struct broker_message *message, struct qos_identity *copy,
                          const struct qos_identity *identity)
{
    copy->channels = broker_message_list(message, identity->channels, identity->channel_count);
    copy->channel_count = identity->channel_count;
    copy->user_key = broker_message_text(message, identity->user_key);
    copy->user_in_tenant = broker_message_text(message, identity->user_in_tenant);
    copy->token = broker_message_text(message, identity->token);
    copy->tenant_id = broker_message_text(message, identity->tenant_id);
    copy->connection_id = broker_message_text(message, identity->connection_id);
}

size_t broker_subscriber_size(const struct sse_connection *connection)
{
    return broker_identity_size(connection) + broker_names_size(connection, SSE_GROUP_LISTENER);
}

void broker_subscriber_write(struct broker_message *message, struct broker_subscriber *subscriber,
                             const struct sse_connection *connection)
{
    subscriber->client = broker_client_of(connection);
    broker_identity_write(message, &subscriber->identity, connection);
    subscriber->listeners =
        broker_names_write(message, connection, SSE_GROUP_LISTENER, &subscriber->listener_count);
}

/* ---- at the owner ---- */

bool broker_subscriber_listens(const struct broker_subscriber *subscriber, const char *event)
{
    return texts_have(subscriber->listeners, subscriber->listener_count, event);
}

static void add(struct qos_recipient *recipients, size_t *count, enum sse_dimension dimension,
                const char *value)
{
    if (*value != '\0' || dimension == SSE_ALL)
        recipients[(*count)++] = (struct qos_recipient){dimension, value, NULL};
}

struct qos_recipient *broker_subscriber_recipients(const struct broker_subscriber *subscriber,
                                                   size_t *count)
{
    const struct qos_identity *identity = &subscriber->identity;
    const size_t most = FIXED_RECIPIENTS + identity->channel_count;
    struct qos_recipient *recipients = mem_alloc(most * sizeof(*recipients));

    *count = 0;
    add(recipients, count, SSE_BY_USER, identity->user_in_tenant);
    if (strcmp(identity->user_key, identity->user_in_tenant) != 0)
        add(recipients, count, SSE_BY_USER, identity->user_key);
    add(recipients, count, SSE_BY_TOKEN, identity->token);
    add(recipients, count, SSE_BY_TENANT, identity->tenant_id);
    add(recipients, count, SSE_BY_CONNECTION, identity->connection_id);
    add(recipients, count, SSE_ALL, "");
    for (size_t i = 0; i < identity->channel_count; i++)
        add(recipients, count, SSE_BY_CHANNEL, identity->channels[i]);
    return recipients;
}

bool broker_scope_has(const struct broker_scope *scope, const struct qos_recipient *recipient)
{
    return scope->dimension == SSE_DIMENSIONS ||
           (scope->dimension == recipient->dimension &&
            (!scope->value || strcmp(recipient->value, scope->value) == 0));
}
