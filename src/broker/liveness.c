/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/liveness.h"

#include "broker/service.h"
#include "broker/subscriber.h"
#include "sse/connection.h"
#include "sse/registry.h"
#include "sse/service.h"
#include "sse/user.h"

/* Members of a group that one shard looks at. Individuals have fewer; of a large group nobody needs
 * to know more than that somebody lives. */
#define MEMBERS_MOST 256u

/* By the order in which the owner has heard of them; the same whatever answer comes first. */
static bool is_later(const struct qos_client *one, int64_t one_time, const struct qos_client *other,
                     int64_t other_time)
{
    if (one->joined != other->joined)
        return one->joined > other->joined;
    return one_time != other_time ? one_time > other_time : one->worker >= other->worker;
}

static void add_newest(struct broker_counted *all, const struct qos_client *client, int64_t time)
{
    struct qos_census *census = &all->census;

    if (census->is_anybody && !is_later(client, time, &census->newest, all->newest_time))
        return;
    census->is_anybody = true;
    census->newest = *client;
    all->newest_time = time;
}

/* The newest that is not silent. */
static void add_attentive(struct broker_counted *all, const struct qos_client *client, int64_t time)
{
    struct qos_census *census = &all->census;

    if (client->is_silent || (census->is_anybody_attentive &&
                              !is_later(client, time, &census->attentive, all->attentive_time)))
        return;
    census->is_anybody_attentive = true;
    census->attentive = *client;
    all->attentive_time = time;
}

void liveness_add(struct broker_counted *all, const struct broker_counted *counted)
{
    const struct qos_census *census = &counted->census;

    all->census.holders += census->holders;
    if (census->is_anybody)
        add_newest(all, &census->newest, counted->newest_time);
    if (census->is_anybody_attentive)
        add_attentive(all, &census->attentive, counted->attentive_time);
}

/* ---- a shard's ---- */

/* A group of users may have those of other tenants, too. */
static bool is_meant(const struct qos_recipient *recipient, const struct sse_connection *connection)
{
    const char *event = recipient->listening;

    if (recipient->dimension == SSE_BY_USER && !sse_user_is(connection->user, recipient->value))
        return false;
    return *event == '\0' || sse_connection_is_listening(connection, event);
}

static void count_one(const struct broker_service *service, const struct broker_count *count,
                      const struct sse_connection *connection, struct broker_counted *counted)
{
    struct qos_client client;

    if (connection->joined == UINT64_MAX || !is_meant(&count->recipient, connection))
        return;
    client = broker_client_of(connection, &service->core->shard);
    client = broker_client_in(&client, &count->recipient);
    if (qos_client_has(&client, count->position) &&
        (client.instance == 0 || client.instance != count->instance))
        counted->census.holders++;
    add_newest(counted, &client, connection->create_time);
    add_attentive(counted, &client, connection->create_time);
}

static const struct sse_group *group_of(const struct sse_registry *registry,
                                        const struct qos_recipient *recipient)
{
    if (recipient->dimension == SSE_ALL)
        return sse_registry_all(registry);
    return sse_registry_group(registry, (enum sse_group_kind)recipient->dimension,
                              recipient->value);
}

static void count_group(const struct broker_service *service, const struct broker_count *count,
                        struct broker_counted *counted)
{
    const struct sse_group *group = group_of(service->core->registry, &count->recipient);
    const size_t least = group && group->count > MEMBERS_MOST ? group->count - MEMBERS_MOST : 0;

    for (size_t i = group ? group->count : 0; i > least; i--)
        count_one(service, count, group->members[i - 1], counted);
}

void liveness_count(const struct broker_service *service, const struct broker_message *question)
{
    const struct broker_asker asker = broker_asker(question);
    const struct broker_count *count = &question->count;
    struct broker_message *answer = broker_message_new(BROKER_COUNTED, service->index, 0);
    const struct sse_connection *connection;

    if (count->recipient.dimension == SSE_BY_CONNECTION) {
        connection = sse_registry_find(service->core->registry, count->recipient.value);
        if (connection)
            count_one(service, count, connection, &answer->counted);
    } else {
        count_group(service, count, &answer->counted);
    }
    broker_answer_later(service, &asker, answer);
}
