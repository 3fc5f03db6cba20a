/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/shard.h"

#include "broker/advance.h"
#include "broker/broker.h"
#include "broker/call.h"
#include "broker/credentials.h"
#include "broker/liveness.h"
#include "broker/query.h"
#include "broker/rewrite.h"
#include "broker/service.h"
#include "sse/connection.h"
#include "sse/registry.h"
#include "sse/service.h"
#include "sse/user.h"

static void on_evict(const struct broker_service *service, const char *handle)
{
    struct sse_connection *connection = sse_registry_find(service->core->registry, handle);

    /* reconnect 0: this page has a successor, and is to stay away. */
    if (connection)
        sse_connection_close(connection, SSE_CLOSE_EVICTED, NULL, 0);
}

static void on_record(struct broker_service *service, const struct broker_message *message)
{
    const struct broker_asker asker = broker_asker(message);

    service->is_recording = message->is_recording;
    broker_answer(service->broker, &asker, broker_message_new(BROKER_RECORDED, 0, 0));
}

static void on_open_gate(const struct broker_service *service, const struct broker_gate *gate)
{
    struct sse_connection *connection = sse_registry_find(service->core->registry, gate->handle);

    if (!connection)
        return;
    connection->joined = gate->joined;
    sse_connection_open_gate(connection);
}

void broker_shard_receive(struct broker_service *service, const struct broker_message *message)
{
    switch (message->kind) {
    case BROKER_ADVANCE:
        broker_advance(service, message);
        break;
    case BROKER_FIND_CREDENTIALS:
        broker_find_credentials(service, message);
        break;
    case BROKER_EVICT:
        on_evict(service, message->handle);
        break;
    case BROKER_RECORD:
        on_record(service, message);
        break;
    case BROKER_OPEN_GATE:
        on_open_gate(service, &message->gate);
        break;
    case BROKER_COUNT:
        liveness_count(service, message);
        break;
    case BROKER_REWRITE:
        rewrite_begin(service, message);
        break;
    case BROKER_CALL:
        broker_call_receive(service, message);
        break;
    case BROKER_PASS_CALL:
        broker_call_pass(service, &message->call);
        break;
    case BROKER_END_CALL:
        call_order_end(&service->call_orders, message->call_end.handle, message->call_end.lane);
        break;
    case BROKER_QUERY:
        broker_query_gather(service, message);
        break;
    case BROKER_SHOW:
        broker_query_show(service, message);
        break;
    case BROKER_IS_ONLINE:
        broker_query_online(service, message);
        break;
    default:
        service->guest.receive(service->guest.context, message);
    }
}
