/* SPDX-License-Identifier: Apache-2.0 */
#include "api/qos/qos_arrivals.h"

#include <stdlib.h>
#include <string.h>

#include "api/hub.h"
#include "api/qos/qos_hub.h"
#include "api/qos/qos_shared.h"
#include "api/qos/qos_visitor.h"
#include "api/worker.h"
#include "base/mem.h"
#include "cluster/peers.h"
#include "qos/look.h"
#include "sse/connection.h"
#include "sse/history.h"
#include "sse/own_id.h"
#include "sse/registry.h"

/* From the connection's worker to the hub: it takes the visit over. */
struct arrival {
    struct peers_call call;
    size_t service;
    struct qos_visit *visit;
};

struct departure {
    struct peers_call call;
    size_t service;
    struct qos_visitor visitor;
    struct qos_scope scope;
};

static void run_arrival(struct peers_call *call, size_t worker, void *context)
{
    const struct arrival *arrival = container_of(call, struct arrival, call);
    const struct api *api = context;

    (void)worker;
    qos_visit_begin(api->services[arrival->service].qos, arrival->visit);
    peers_call_done(call);
}

static void finish_arrival(struct peers_call *call, void *context)
{
    (void)context;
    free(container_of(call, struct arrival, call));
}

static void leave_queue(const struct qos_hub *hub, const struct departure *departure,
                        const struct qos_recipient *value, const char *listening)
{
    const struct qos_recipient recipient = {value->dimension, value->value, listening};

    qos_desk_leave(hub->desk, departure->visitor.client.id, &recipient);
}

static void leave_queues(const struct qos_hub *hub, const struct departure *departure,
                         const struct qos_recipient *value)
{
    if (departure->scope.event) {
        leave_queue(hub, departure, value, departure->scope.event);
        return;
    }
    leave_queue(hub, departure, value, "");
    for (size_t i = 0; i < departure->visitor.listener_count; i++)
        leave_queue(hub, departure, value, departure->visitor.listeners[i]);
}

static void run_departure(struct peers_call *call, size_t worker, void *context)
{
    struct departure *departure = container_of(call, struct departure, call);
    const struct api *api = context;
    struct qos_hub *hub = api->services[departure->service].qos;
    const struct qos_scope *scope = &departure->scope;
    struct qos_recipient *recipients;
    size_t count;

    (void)worker;
    recipients = qos_visitor_recipients(&departure->visitor, &count);
    for (size_t i = 0; i < count; i++) {
        if (qos_scope_has(scope, &recipients[i]))
            leave_queues(hub, departure, &recipients[i]);
    }
    free(recipients);
    if (scope->dimension == SSE_DIMENSIONS && !scope->event)
        qos_visits_forget(&hub->visits, departure->visitor.client.id);
    peers_call_done(call);
}

static void finish_departure(struct peers_call *call, void *context)
{
    struct departure *departure = container_of(call, struct departure, call);

    (void)context;
    qos_visitor_release(&departure->visitor);
    qos_scope_release(&departure->scope);
    free(departure);
}

static bool is_quiet(const struct api_service *service)
{
    return atomic_load_explicit(&service->settings->qos_shared->copies, memory_order_acquire) == 0;
}

/* What on_connect tells of the page: where it was before. The id of a position says nothing of what
 * it has handled. */
static void read_resume(struct qos_visit *visit, const struct sse_arrival *arrival)
{
    visit->visitor.client.resumed = arrival->after;
    visit->visitor.client.opened = arrival->opened;
    if (arrival->last_id && sse_own_id_read(arrival->last_id).kind != SSE_OWN_ID_POSITION)
        visit->last_id = mem_strdup(arrival->last_id);
}

static void tell_arrival(const struct qos_arrivals *arrivals, struct sse_connection *connection,
                         const struct qos_scope *scope, bool is_gated)
{
    const struct api_service *service = arrivals->service;
    struct api *api = service->api;
    struct arrival *arrival = mem_zalloc(sizeof(*arrival));
    struct qos_visit *visit = mem_zalloc(sizeof(*visit));

    qos_visitor_init(&visit->visitor, connection, api->peers, api->worker);
    visit->scope = *scope;
    visit->is_gated = is_gated;
    if (is_gated) {
        read_resume(visit, &service->core->arrival);
        connection->joined = UINT64_MAX; /* it gets nothing until the hub knows it */
        sse_connection_gate(connection);
    }
    visit->visitor.client.joined =
        connection->joined == UINT64_MAX ? UINT64_MAX : sse_history_last(service->core->history);
    arrival->service = service->index;
    arrival->visit = visit;
    arrival->call.run = run_arrival;
    arrival->call.finish = finish_arrival;
    peers_call_one(api->peers, api->worker, hub_worker(service), &arrival->call);
}

static void tell_departure(const struct qos_arrivals *arrivals,
                           const struct sse_connection *connection, const struct qos_scope *scope)
{
    const struct api_service *service = arrivals->service;
    struct api *api = service->api;
    struct departure *departure = mem_zalloc(sizeof(*departure));

    qos_visitor_init(&departure->visitor, connection, api->peers, api->worker);
    departure->scope = *scope;
    departure->service = service->index;
    departure->call.run = run_departure;
    departure->call.finish = finish_departure;
    peers_call_one(api->peers, api->worker, hub_worker(service), &departure->call);
}

static void on_connect(struct sse_observer *observer, struct sse_connection *connection)
{
    const struct qos_arrivals *arrivals = container_of(observer, struct qos_arrivals, observer);

    if (!is_quiet(arrivals->service))
        tell_arrival(arrivals, connection, &QOS_SCOPE_ALL, true);
}

static void on_disconnect(struct sse_observer *observer, struct sse_connection *connection,
                          enum sse_close_reason reason, const char *text)
{
    const struct qos_arrivals *arrivals = container_of(observer, struct qos_arrivals, observer);

    (void)reason;
    (void)text;
    if (!is_quiet(arrivals->service))
        tell_departure(arrivals, connection, &QOS_SCOPE_ALL);
}

static void on_listening(struct sse_observer *observer, struct sse_connection *connection,
                         const char *event, bool before, bool after)
{
    const struct qos_arrivals *arrivals = container_of(observer, struct qos_arrivals, observer);
    struct qos_scope scope = QOS_SCOPE_ALL;

    if (before == after || is_quiet(arrivals->service))
        return;
    scope.event = mem_strdup(event);
    if (after)
        tell_arrival(arrivals, connection, &scope, false);
    else
        tell_departure(arrivals, connection, &scope);
}

static void on_channel(struct sse_observer *observer, struct sse_connection *connection,
                       const char *channel, bool after)
{
    const struct qos_arrivals *arrivals = container_of(observer, struct qos_arrivals, observer);
    struct qos_scope scope = QOS_SCOPE_ALL;

    if (is_quiet(arrivals->service))
        return;
    scope.dimension = SSE_BY_CHANNEL;
    scope.value = mem_strdup(channel);
    if (after)
        tell_arrival(arrivals, connection, &scope, false);
    else
        tell_departure(arrivals, connection, &scope);
}

static void on_user(struct sse_observer *observer, struct sse_connection *connection)
{
    const struct qos_arrivals *arrivals = container_of(observer, struct qos_arrivals, observer);

    /* Nothing but its token is another one. */
    if (!is_quiet(arrivals->service))
        tell_arrival(arrivals, connection, &(struct qos_scope){.dimension = SSE_BY_TOKEN}, false);
}

void qos_arrivals_init(struct qos_arrivals *arrivals, struct api_service *service)
{
    *arrivals = (struct qos_arrivals){
        .service = service,
        .observer = {.on_connect = on_connect,
                     .on_disconnect = on_disconnect,
                     .on_listening = on_listening,
                     .on_channel = on_channel,
                     .on_user = on_user},
    };
    list_append(&service->core->observers, &arrivals->observer.node);
}

void qos_arrivals_release(struct qos_arrivals *arrivals)
{
    list_remove(&arrivals->observer.node);
}
