/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/redeliver.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/mem.h"
#include "broker/service.h"
#include "broker/subscriber.h"
#include "sse/backlog.h"
#include "sse/connection.h"
#include "sse/dispatch.h"
#include "sse/event.h"
#include "sse/registry.h"
#include "sse/service.h"
#include "sse/user.h"

/* ---- writing ---- */

/* Until the connection has room for more. */
struct writing {
    struct sse_offer offer;
    struct broker_service *service;
    struct broker_asker asker;
};

static void answer(const struct broker_service *service, const struct broker_asker *asker,
                   size_t count, bool is_gone)
{
    struct broker_message *taken = broker_message_new(BROKER_TAKEN, service->index, 0);

    taken->taken.count = count;
    taken->taken.is_gone = is_gone;
    broker_answer_later(service, asker, taken);
}

static void on_room(struct sse_offer *offer, bool is_gone)
{
    struct writing *writing = container_of(offer, struct writing, offer);

    answer(writing->service, &writing->asker, offer->taken, is_gone);
    free(writing);
}

static size_t ids_size(const struct broker_redeliver *redeliver)
{
    size_t size = 0;

    for (size_t i = 0; i < redeliver->count; i++)
        size += broker_text_size(redeliver->lines[i].id);
    return size;
}

/* A page that comes back with the id of such a message comes back to where the order was when it
 * was written. The owner knows it before the page can have it. */
static void tell_positions(const struct broker_service *service,
                           const struct broker_redeliver *redeliver,
                           const struct sse_connection *connection)
{
    const char *user_key = connection->user->key;
    const size_t block = redeliver->count * sizeof(struct broker_written);
    struct broker_message *message = broker_message_new(
        BROKER_NOTE_POSITIONS, service->index,
        broker_block_size(block) + broker_text_size(user_key) + ids_size(redeliver));
    struct broker_positions *positions = &message->positions;

    positions->messages = broker_message_block(message, block);
    positions->user_key = broker_message_text(message, user_key);
    positions->position = sse_dispatch_position(service->core->dispatch);
    positions->count = redeliver->count;
    for (size_t i = 0; i < redeliver->count; i++)
        positions->messages[i] = (struct broker_written){
            .id = broker_message_text(message, redeliver->lines[i].id),
            .is_new = redeliver->lines[i].is_new,
        };
    broker_tell_owner(service, message);
}

/* The first so many were queued, unless that was the connection's end. */
static void trace_lines(struct broker_service *service, const struct broker_redeliver *redeliver,
                        size_t count)
{
    const struct sse_connection *connection =
        sse_registry_find(service->core->registry, redeliver->handle);

    for (size_t i = 0; connection && i < count; i++)
        tracing_redelivered(&service->tracing, connection, &redeliver->lines[i]);
}

static void write_lines(struct broker_service *service, const struct broker_message *question,
                        struct sse_connection *connection)
{
    const struct broker_redeliver *redeliver = &question->redeliver;
    const size_t count = redeliver->count;
    struct sse_event **events = mem_alloc((count + 1) * sizeof(struct sse_event *));
    struct writing *writing = mem_zalloc(sizeof(*writing));

    for (size_t i = 0; i < count; i++) {
        events[i] = sse_event_new(redeliver->lines[i].event, bytes_ref(redeliver->lines[i].wire));
        events[i]->is_kept = true;
    }
    writing->offer.on_room = on_room;
    writing->service = service;
    writing->asker = broker_asker(question);
    trace_lines(service, redeliver,
                sse_connection_offer(connection, &writing->offer, events, count));
    for (size_t i = 0; i < count; i++)
        sse_event_unref(events[i]);
    free(events);
    fault_point("batch.written");
}

void redeliver_begin(struct broker_service *service, const struct broker_message *question)
{
    const struct broker_asker asker = broker_asker(question);
    struct sse_connection *connection =
        sse_registry_find(service->core->registry, question->redeliver.handle);

    if (!connection) {
        answer(service, &asker, 0, true);
        return;
    }
    tell_positions(service, &question->redeliver, connection);
    write_lines(service, question, connection);
}

/* ---- the liveness check ---- */

/* Members of a group that one shard looks at. Individuals have fewer; of a large group nobody needs
 * to know more than that somebody lives. */
#define MEMBERS_MOST 256u

/* By the order in which the owner has heard of them; the same whatever answer comes first. */
static bool is_later(const struct consumer *one, int64_t one_time, const struct consumer *other,
                     int64_t other_time)
{
    if (one->joined != other->joined)
        return one->joined > other->joined;
    return one_time != other_time ? one_time > other_time : one->worker >= other->worker;
}

static void add_newest(struct broker_counted *all, const struct consumer *client, int64_t time)
{
    struct liveness *living = &all->living;

    if (living->is_anybody && !is_later(client, time, &living->newest, all->newest_time))
        return;
    living->is_anybody = true;
    living->newest = *client;
    all->newest_time = time;
}

/* The newest that is not silent. */
static void add_attentive(struct broker_counted *all, const struct consumer *client, int64_t time)
{
    struct liveness *living = &all->living;

    if (client->is_silent || (living->is_anybody_attentive &&
                              !is_later(client, time, &living->attentive, all->attentive_time)))
        return;
    living->is_anybody_attentive = true;
    living->attentive = *client;
    all->attentive_time = time;
}

void liveness_add(struct broker_counted *all, const struct broker_counted *counted)
{
    const struct liveness *living = &counted->living;

    all->living.having += living->having;
    if (living->is_anybody)
        add_newest(all, &living->newest, counted->newest_time);
    if (living->is_anybody_attentive)
        add_attentive(all, &living->attentive, counted->attentive_time);
}

/* A group of users may have those of other tenants, too. */
static bool is_meant(const struct qos_recipient *recipient, const struct sse_connection *connection)
{
    const char *event = recipient->listening;

    if (recipient->dimension == SSE_BY_USER && !sse_user_is(connection->user, recipient->value))
        return false;
    return *event == '\0' || sse_connection_has_name(connection, SSE_GROUP_LISTENER, event);
}

static void count_one(const struct broker_count *count, const struct sse_connection *connection,
                      struct broker_counted *counted)
{
    struct consumer client;

    if (connection->joined == UINT64_MAX || !is_meant(&count->recipient, connection))
        return;
    client = broker_client_of(connection);
    client = broker_client_in(&client, &count->recipient);
    if (consumer_has(&client, count->position) &&
        (client.instance == 0 || client.instance != count->instance))
        counted->living.having++;
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
        count_one(count, group->members[i - 1], counted);
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
            count_one(count, connection, &answer->counted);
    } else {
        count_group(service, count, &answer->counted);
    }
    broker_answer_later(service, &asker, answer);
}
