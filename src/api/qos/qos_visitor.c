/* SPDX-License-Identifier: Apache-2.0 */
#include "api/qos/qos_visitor.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cluster/peers.h"
#include "qos/recipient.h"
#include "sse/connection.h"
#include "sse/registry.h"
#include "sse/user.h"
#include "sse/user_key.h"

#define FIXED_RECIPIENTS 6u /* user twice, token, tenant, connection, all */

static char **copy_names(const struct sse_connection *connection, enum sse_group_kind kind,
                         size_t *count)
{
    char **names;

    *count = sse_registry_name_count(connection, kind);
    names = mem_alloc((*count + 1) * sizeof(char *));
    for (size_t i = 0; i < *count; i++)
        names[i] = mem_strdup(sse_registry_name(connection, kind, i));
    return names;
}

static void free_names(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

uint64_t qos_visitor_instance(const struct sse_connection *connection, const struct peers *peers)
{
    const struct sse_user *user = connection->user;
    const struct sse_client_info info = sse_connection_info(connection);

    if (!info.client_id || !info.client_instance_id || *info.client_instance_id == '\0')
        return 0;

    const char *const names[] = {user->tenant_id, user->id, info.client_id,
                                 info.client_instance_id};
    uint64_t hash = 0;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        hash = peers_hash(peers, hash, names[i]);
    return hash | 1;
}

void qos_visitor_init(struct qos_visitor *visitor, const struct sse_connection *connection,
                      const struct peers *peers, size_t worker)
{
    const struct sse_user *user = connection->user;

    *visitor = (struct qos_visitor){
        .client = {.worker = worker,
                   .instance = qos_visitor_instance(connection, peers),
                   .is_silent = !connection->acknowledges},
        .identity = {.user_key = mem_strdup(user->key),
                     .user_in_tenant = sse_user_key_new(user->tenant_id, user->id),
                     .token = mem_strdup(user->access_token),
                     .tenant_id = mem_strdup(user->tenant_id)},
    };
    memcpy(visitor->client.id, connection->handle, sizeof(visitor->client.id));
    visitor->identity.connection_id = visitor->client.id;
    visitor->identity.channels = (const char *const *)copy_names(connection, SSE_GROUP_CHANNEL,
                                                                 &visitor->identity.channel_count);
    visitor->listeners = copy_names(connection, SSE_GROUP_LISTENER, &visitor->listener_count);
}

void qos_visitor_release(struct qos_visitor *visitor)
{
    struct qos_identity *identity = &visitor->identity;

    free((char *)(uintptr_t)identity->user_key);
    free((char *)(uintptr_t)identity->user_in_tenant);
    free((char *)(uintptr_t)identity->token);
    free((char *)(uintptr_t)identity->tenant_id);
    free_names((char **)(uintptr_t)identity->channels, identity->channel_count);
    free_names(visitor->listeners, visitor->listener_count);
    *visitor = (struct qos_visitor){.listener_count = 0};
}

bool qos_visitor_listens(const struct qos_visitor *visitor, const char *event)
{
    for (size_t i = 0; i < visitor->listener_count; i++) {
        if (strcmp(visitor->listeners[i], event) == 0)
            return true;
    }
    return false;
}

struct qos_client qos_visitor_client(const struct qos_client *client,
                                     const struct qos_recipient *recipient)
{
    struct qos_client seen = *client;

    if (qos_recipient_is_individual(recipient))
        seen.resumed = seen.opened;
    return seen;
}

static void add(struct qos_recipient *recipients, size_t *count, enum sse_dimension dimension,
                const char *value)
{
    if (*value != '\0' || dimension == SSE_ALL)
        recipients[(*count)++] = (struct qos_recipient){dimension, value, NULL};
}

struct qos_recipient *qos_visitor_recipients(const struct qos_visitor *visitor, size_t *count)
{
    const struct qos_identity *identity = &visitor->identity;
    const size_t most = FIXED_RECIPIENTS + identity->channel_count;
    struct qos_recipient *recipients = mem_alloc(most * sizeof(*recipients));

    *count = 0;
    add(recipients, count, SSE_BY_USER, identity->user_in_tenant);
    if (strcmp(identity->user_key, identity->user_in_tenant) != 0)
        add(recipients, count, SSE_BY_USER, identity->user_key);
    add(recipients, count, SSE_BY_TOKEN, identity->token);
    add(recipients, count, SSE_BY_TENANT, identity->tenant_id);
    add(recipients, count, SSE_BY_CONNECTION, visitor->client.id);
    add(recipients, count, SSE_ALL, "");
    for (size_t i = 0; i < identity->channel_count; i++)
        add(recipients, count, SSE_BY_CHANNEL, identity->channels[i]);
    return recipients;
}
