/* SPDX-License-Identifier: Apache-2.0 */
#include "api/qos/queue_teller.h"

#include "api/qos/qos_shared.h"
#include "api/worker.h"
#include "broker/subscriber.h"
#include "sse/connection.h"
#include "sse/history.h"
#include "sse/own_id.h"

static bool is_quiet(const struct queue_teller *teller)
{
    const struct qos_shared *shared = teller->service->settings->qos_shared;

    return atomic_load_explicit(&shared->copies, memory_order_acquire) == 0;
}

static struct broker_message *message_new(enum broker_kind kind, const struct api_service *service,
                                          const struct sse_connection *connection,
                                          const struct broker_scope *scope, const char *last_id)
{
    struct broker_message *message =
        broker_message_new(kind, service->index,
                           broker_subscriber_size(connection) + broker_text_size(scope->value) +
                               broker_text_size(scope->event) + broker_text_size(last_id));
    struct broker_queues *queues = &message->queues;

    broker_subscriber_write(message, &queues->subscriber, connection, &service->core->shard);
    queues->scope.dimension = scope->dimension;
    queues->scope.value = broker_message_text(message, scope->value);
    queues->scope.event = broker_message_text(message, scope->event);
    queues->last_id = broker_message_text(message, last_id);
    return message;
}

/* One that has come later to a queue has nothing of what went there before. */
static void tell_join(const struct queue_teller *teller, const struct sse_connection *connection,
                      const struct broker_scope *scope)
{
    const struct api_service *service = teller->service;
    struct broker_message *message =
        message_new(BROKER_JOIN_QUEUES, service, connection, scope, NULL);
    struct qos_client *client = &message->queues.subscriber.client;

    client->resumed = client->opened = 0;
    if (client->joined != UINT64_MAX)
        client->joined = sse_history_last(service->core->history);
    broker_tell_owner(&service->broker, message);
}

/* The id of a position says nothing of what its page has handled. */
static const char *handled_id(const struct sse_arrival *arrival)
{
    return arrival->last_id && sse_own_id_read(arrival->last_id).kind != SSE_OWN_ID_POSITION
               ? arrival->last_id
               : NULL;
}

/* It gets nothing until the owner knows it. */
static void tell_connect(const struct queue_teller *teller, struct sse_connection *connection)
{
    const struct api_service *service = teller->service;
    const struct sse_arrival *arrival = &service->core->arrival;
    struct broker_message *message = message_new(BROKER_JOIN_QUEUES, service, connection,
                                                 &BROKER_EVERY_QUEUE, handled_id(arrival));
    struct qos_client *client = &message->queues.subscriber.client;

    client->joined = connection->joined = UINT64_MAX;
    client->resumed = arrival->after;
    client->opened = arrival->opened;
    message->queues.is_gated = true;
    sse_connection_gate(connection);
    broker_tell_owner(&service->broker, message);
}

static void tell_leave(const struct queue_teller *teller, const struct sse_connection *connection,
                       const struct broker_scope *scope)
{
    broker_tell_owner(&teller->service->broker,
                      message_new(BROKER_LEAVE_QUEUES, teller->service, connection, scope, NULL));
}

static void tell(const struct queue_teller *teller, const struct sse_connection *connection,
                 const struct broker_scope *scope, bool has_come)
{
    if (is_quiet(teller))
        return;
    if (has_come)
        tell_join(teller, connection, scope);
    else
        tell_leave(teller, connection, scope);
}

static void on_connect(struct sse_observer *observer, struct sse_connection *connection)
{
    const struct queue_teller *teller = container_of(observer, struct queue_teller, observer);

    if (!is_quiet(teller))
        tell_connect(teller, connection);
}

static void on_disconnect(struct sse_observer *observer, struct sse_connection *connection,
                          enum sse_close_reason reason, const char *text)
{
    (void)reason;
    (void)text;
    tell(container_of(observer, struct queue_teller, observer), connection, &BROKER_EVERY_QUEUE,
         false);
}

static void on_listening(struct sse_observer *observer, struct sse_connection *connection,
                         const char *event, bool before, bool after)
{
    const struct broker_scope scope = {.dimension = SSE_DIMENSIONS, .event = event};

    if (before != after)
        tell(container_of(observer, struct queue_teller, observer), connection, &scope, after);
}

static void on_channel(struct sse_observer *observer, struct sse_connection *connection,
                       const char *channel, bool after)
{
    const struct broker_scope scope = {.dimension = SSE_BY_CHANNEL, .value = channel};

    tell(container_of(observer, struct queue_teller, observer), connection, &scope, after);
}

/* Nothing but its token is another one. */
static void on_user(struct sse_observer *observer, struct sse_connection *connection)
{
    const struct broker_scope scope = {.dimension = SSE_BY_TOKEN};

    tell(container_of(observer, struct queue_teller, observer), connection, &scope, true);
}

void queue_teller_init(struct queue_teller *teller, struct api_service *service)
{
    *teller = (struct queue_teller){
        .service = service,
        .observer = {.on_connect = on_connect,
                     .on_disconnect = on_disconnect,
                     .on_listening = on_listening,
                     .on_channel = on_channel,
                     .on_user = on_user},
    };
    list_append(&service->core->observers, &teller->observer.node);
}

void queue_teller_release(struct queue_teller *teller)
{
    list_remove(&teller->observer.node);
}
