/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/service.h"
#include "broker/stored/stored.h"
#include "broker/subscriber.h"
#include "sse/connection.h"
#include "sse/own_id.h"
#include "sse/service.h"

static const struct broker_service *service_of(const struct sse_observer *observer)
{
    return container_of(observer, struct broker_service, queue_observer);
}

static bool is_quiet(const struct broker_service *service)
{
    return atomic_load_explicit(&service->stored_shared->copies, memory_order_acquire) == 0;
}

static struct broker_message *message_new(enum broker_kind kind,
                                          const struct broker_service *service,
                                          const struct sse_connection *connection,
                                          const struct broker_scope *scope, const char *last_id)
{
    struct broker_message *message =
        broker_message_new(kind, service->index,
                           broker_subscriber_size(connection) + broker_text_size(scope->value) +
                               broker_text_size(scope->event) + broker_text_size(last_id));
    struct broker_queues *queues = &message->queues;

    broker_subscriber_write(message, &queues->subscriber, connection);
    queues->scope.dimension = scope->dimension;
    queues->scope.value = broker_message_text(message, scope->value);
    queues->scope.event = broker_message_text(message, scope->event);
    queues->last_id = broker_message_text(message, last_id);
    return message;
}

/* One that has come later to a queue has nothing of what went there before. */
static void tell_join(const struct broker_service *service, const struct sse_connection *connection,
                      const struct broker_scope *scope)
{
    struct broker_message *message =
        message_new(BROKER_JOIN_QUEUES, service, connection, scope, NULL);
    struct consumer *client = &message->queues.subscriber.client;

    client->resumed = client->opened = 0;
    if (client->joined != UINT64_MAX)
        client->joined = service->core->position;
    broker_tell_owner(service, message);
}

/* The id of a position says nothing of what its page has handled. */
static const char *handled_id(const struct sse_arrival *arrival)
{
    return arrival->last_id && sse_own_id_read(arrival->last_id).kind != SSE_OWN_ID_POSITION
               ? arrival->last_id
               : NULL;
}

/* It gets nothing until the owner knows it. */
static void tell_connect(const struct broker_service *service, struct sse_connection *connection)
{
    const struct sse_arrival *arrival = &service->core->arrival;
    struct broker_message *message = message_new(BROKER_JOIN_QUEUES, service, connection,
                                                 &BROKER_EVERY_QUEUE, handled_id(arrival));
    struct consumer *client = &message->queues.subscriber.client;

    client->joined = connection->joined = UINT64_MAX;
    client->resumed = arrival->after;
    client->opened = arrival->opened;
    message->queues.is_paused = true;
    sse_connection_raise_barrier(connection);
    broker_tell_owner(service, message);
}

static void tell_leave(const struct broker_service *service,
                       const struct sse_connection *connection, const struct broker_scope *scope)
{
    broker_tell_owner(service, message_new(BROKER_LEAVE_QUEUES, service, connection, scope, NULL));
}

static void tell(const struct broker_service *service, const struct sse_connection *connection,
                 const struct broker_scope *scope, bool has_come)
{
    if (is_quiet(service))
        return;
    if (has_come)
        tell_join(service, connection, scope);
    else
        tell_leave(service, connection, scope);
}

static void on_connect(struct sse_observer *observer, struct sse_connection *connection)
{
    const struct broker_service *service = service_of(observer);

    if (!is_quiet(service))
        tell_connect(service, connection);
}

static void on_disconnect(struct sse_observer *observer, struct sse_connection *connection,
                          enum sse_close_reason reason, const char *text)
{
    (void)reason;
    (void)text;
    tell(service_of(observer), connection, &BROKER_EVERY_QUEUE, false);
}

static void on_listening(struct sse_observer *observer, struct sse_connection *connection,
                         const char *event, bool after)
{
    const struct broker_scope scope = {.dimension = SSE_DIMENSIONS, .event = event};

    tell(service_of(observer), connection, &scope, after);
}

static void on_channel(struct sse_observer *observer, struct sse_connection *connection,
                       const char *channel, bool after)
{
    const struct broker_scope scope = {.dimension = SSE_BY_CHANNEL, .value = channel};

    tell(service_of(observer), connection, &scope, after);
}

/* Nothing but its token is another one. */
static void on_user(struct sse_observer *observer, struct sse_connection *connection)
{
    const struct broker_scope scope = {.dimension = SSE_BY_TOKEN};

    tell(service_of(observer), connection, &scope, true);
}

void queue_observer_open(struct broker_service *service, const struct stored_shared *shared)
{
    service->stored_shared = shared;
    service->queue_observer = (struct sse_observer){.on_connect = on_connect,
                                                    .on_disconnect = on_disconnect,
                                                    .on_listening = on_listening,
                                                    .on_channel = on_channel,
                                                    .on_user = on_user};
    list_append(&service->core->observers, &service->queue_observer.node);
}

void queue_observer_close(struct broker_service *service)
{
    list_remove(&service->queue_observer.node);
}
