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

/* Which of a connection's queues it has come to, or left. */
struct scope {
    enum sse_dimension dimension; /* SSE_DIMENSIONS: every one */
    char *value;                  /* NULL: whatever it is */
    char *event;                  /* of those who listen to it; NULL: of all */
};

#define SCOPE_ALL ((struct scope){.dimension = SSE_DIMENSIONS})

/* A connection has come to queues: looked after at the hub, until their first copies are known. */
struct visit {
    struct list node;
    struct qos_hub *hub;
    struct qos_visitor visitor;
    struct scope scope;
    char *last_id; /* of a message that the page has seen last; NULL: none */
    bool is_gated;
    bool is_gone;    /* meanwhile */
    bool is_waiting; /* for the store to be there again */
    struct qos_acknowledge seen;
    struct qos_queues queues;
    struct qos_recipient *recipients;
};

/* From the connection's worker to the hub: it takes the visit over. */
struct arrival {
    struct peers_call call;
    size_t service;
    struct visit *visit;
};

struct departure {
    struct peers_call call;
    size_t service;
    struct qos_visitor visitor;
    struct scope scope;
};

/* From the hub: a connection gets what goes to everybody from now on. */
struct admission {
    struct peers_call call;
    size_t service;
    char id[SSE_CONNECTION_ID_SIZE];
    uint64_t joined;
};

static void scope_release(struct scope *scope)
{
    free(scope->value);
    free(scope->event);
}

static bool is_in_scope(const struct scope *scope, const struct qos_recipient *recipient)
{
    return scope->dimension == SSE_DIMENSIONS ||
           (scope->dimension == recipient->dimension &&
            (!scope->value || strcmp(recipient->value, scope->value) == 0));
}

static void visit_free(struct visit *visit)
{
    list_remove(&visit->node);
    qos_queues_release(&visit->queues);
    free(visit->recipients);
    qos_visitor_release(&visit->visitor);
    scope_release(&visit->scope);
    free(visit->last_id);
    free(visit);
}

static void run_admission(struct peers_call *call, size_t worker, void *context)
{
    const struct admission *admission = container_of(call, struct admission, call);
    const struct api *api = context;
    struct sse_connection *connection =
        sse_registry_find(api->services[admission->service].core->registry, admission->id);

    (void)worker;
    if (connection) {
        connection->joined = admission->joined;
        sse_connection_open_gate(connection);
    }
    peers_call_done(call);
}

static void finish_admission(struct peers_call *call, void *context)
{
    (void)context;
    free(container_of(call, struct admission, call));
}

static void admit(const struct visit *visit)
{
    struct api *api = visit->hub->service->api;
    struct admission *admission = mem_zalloc(sizeof(*admission));

    admission->service = visit->hub->service->index;
    memcpy(admission->id, visit->visitor.client.id, sizeof(admission->id));
    admission->joined = visit->visitor.client.joined;
    admission->call.run = run_admission;
    admission->call.finish = finish_admission;
    peers_call_one(api->peers, api->worker, visit->visitor.client.worker, &admission->call);
}

static void arrive(const struct visit *visit, const struct qos_recipient *recipient)
{
    const struct qos_client client = qos_visitor_client(&visit->visitor.client, recipient);
    const char *listening = recipient->listening;

    if (visit->scope.event && strcmp(listening, visit->scope.event) != 0)
        return;
    if (*listening == '\0' || qos_visitor_listens(&visit->visitor, listening))
        qos_desk_arrive(visit->hub->desk, &client, recipient, true);
}

/* Who has left meanwhile is not let in: nobody would say again that it has left. */
static void on_queues(struct qos_job *job)
{
    struct visit *visit = container_of(job, struct visit, queues.job);
    struct qos_hub *hub = visit->hub;

    if (hub->is_stopped || visit->is_gone) {
        visit_free(visit);
        return;
    }
    if (visit->is_gated) {
        visit->is_gated = false;
        visit->visitor.client.joined = sse_history_last(hub->service->core->history);
        admit(visit);
    }
    if (job->status < 0) {
        visit->is_waiting = true;
        return;
    }
    for (size_t i = 0; i < visit->queues.copies.count; i++)
        arrive(visit, &visit->queues.copies.items[i].recipient);
    visit_free(visit);
}

static void look_for_queues(struct visit *visit)
{
    struct qos_queues *queues = &visit->queues;
    size_t count;

    qos_queues_release(queues);
    free(visit->recipients);
    visit->recipients = qos_visitor_recipients(&visit->visitor, &count);
    *queues = (struct qos_queues){.recipients = visit->recipients};
    for (size_t i = 0; i < count; i++) {
        if (is_in_scope(&visit->scope, &visit->recipients[i]))
            visit->recipients[queues->count++] = visit->recipients[i];
    }
    qos_queues_init(queues);
    queues->job.done = on_queues;
    visit->is_waiting = false;
    qos_store_submit(visit->hub->store, &queues->job);
}

/* What the page has seen is no longer in its queues when these are read. */
static void on_seen(struct qos_job *job)
{
    struct visit *visit = container_of(job, struct visit, seen.job);

    if (!visit->hub->is_stopped)
        qos_hub_ended(visit->hub, job, &visit->seen.ended);
    qos_acknowledge_release(&visit->seen);
}

static void see(struct visit *visit)
{
    visit->seen.identity = visit->visitor.identity;
    visit->seen.ids = (const char *const *)&visit->last_id;
    visit->seen.count = 1;
    visit->seen.is_through = true;
    qos_acknowledge_init(&visit->seen);
    visit->seen.now = loop_wall_ms(visit->hub->service->api->loop);
    visit->seen.job.done = on_seen;
    qos_store_submit(visit->hub->store, &visit->seen.job);
}

static void run_arrival(struct peers_call *call, size_t worker, void *context)
{
    const struct arrival *arrival = container_of(call, struct arrival, call);
    const struct api *api = context;
    struct visit *visit = arrival->visit;

    (void)worker;
    visit->hub = api->services[arrival->service].qos;
    list_append(&visit->hub->visits, &visit->node);
    if (visit->last_id)
        see(visit);
    look_for_queues(visit);
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

static void forget_visits(const struct qos_hub *hub, const char *connection_id)
{
    list_for_each_safe(node, after, &hub->visits) {
        struct visit *visit = container_of(node, struct visit, node);

        if (strcmp(visit->visitor.client.id, connection_id) != 0)
            continue;
        visit->is_gone = true;
        if (visit->is_waiting)
            visit_free(visit);
    }
}

static void run_departure(struct peers_call *call, size_t worker, void *context)
{
    struct departure *departure = container_of(call, struct departure, call);
    const struct api *api = context;
    struct qos_hub *hub = api->services[departure->service].qos;
    const struct scope *scope = &departure->scope;
    struct qos_recipient *recipients;
    size_t count;

    (void)worker;
    recipients = qos_visitor_recipients(&departure->visitor, &count);
    for (size_t i = 0; i < count; i++) {
        if (is_in_scope(scope, &recipients[i]))
            leave_queues(hub, departure, &recipients[i]);
    }
    free(recipients);
    if (scope->dimension == SSE_DIMENSIONS && !scope->event)
        forget_visits(hub, departure->visitor.client.id);
    peers_call_done(call);
}

static void finish_departure(struct peers_call *call, void *context)
{
    struct departure *departure = container_of(call, struct departure, call);

    (void)context;
    qos_visitor_release(&departure->visitor);
    scope_release(&departure->scope);
    free(departure);
}

static bool is_quiet(const struct api_service *service)
{
    return atomic_load_explicit(&service->settings->qos_shared->copies, memory_order_acquire) == 0;
}

/* What on_connect tells of the page: where it was before. The id of a position says nothing of what
 * it has handled. */
static void read_resume(struct visit *visit, const struct sse_arrival *arrival)
{
    visit->visitor.client.resumed = arrival->after;
    visit->visitor.client.opened = arrival->opened;
    if (arrival->last_id && sse_own_id_read(arrival->last_id).kind != SSE_OWN_ID_POSITION)
        visit->last_id = mem_strdup(arrival->last_id);
}

static void tell_arrival(const struct qos_arrivals *arrivals, struct sse_connection *connection,
                         const struct scope *scope, bool is_gated)
{
    const struct api_service *service = arrivals->service;
    struct api *api = service->api;
    struct arrival *arrival = mem_zalloc(sizeof(*arrival));
    struct visit *visit = mem_zalloc(sizeof(*visit));

    qos_visitor_init(&visit->visitor, connection, api->worker);
    visit->visitor.client.joined = sse_history_last(service->core->history);
    visit->scope = *scope;
    visit->is_gated = is_gated;
    if (is_gated) {
        read_resume(visit, &service->core->arrival);
        connection->joined = UINT64_MAX; /* it gets nothing until the hub knows it */
        sse_connection_gate(connection);
    }
    arrival->service = service->index;
    arrival->visit = visit;
    arrival->call.run = run_arrival;
    arrival->call.finish = finish_arrival;
    peers_call_one(api->peers, api->worker, hub_worker(service), &arrival->call);
}

static void tell_departure(const struct qos_arrivals *arrivals,
                           const struct sse_connection *connection, const struct scope *scope)
{
    const struct api_service *service = arrivals->service;
    struct api *api = service->api;
    struct departure *departure = mem_zalloc(sizeof(*departure));

    qos_visitor_init(&departure->visitor, connection, api->worker);
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
        tell_arrival(arrivals, connection, &SCOPE_ALL, true);
}

static void on_disconnect(struct sse_observer *observer, struct sse_connection *connection,
                          enum sse_close_reason reason, const char *text)
{
    const struct qos_arrivals *arrivals = container_of(observer, struct qos_arrivals, observer);

    (void)reason;
    (void)text;
    if (!is_quiet(arrivals->service))
        tell_departure(arrivals, connection, &SCOPE_ALL);
}

static void on_listening(struct sse_observer *observer, struct sse_connection *connection,
                         const char *event, bool before, bool after)
{
    const struct qos_arrivals *arrivals = container_of(observer, struct qos_arrivals, observer);
    struct scope scope = SCOPE_ALL;

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
    struct scope scope = SCOPE_ALL;

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
        tell_arrival(arrivals, connection, &(struct scope){.dimension = SSE_BY_TOKEN}, false);
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

void qos_arrivals_retry(struct qos_hub *hub)
{
    list_for_each_safe(node, after, &hub->visits) {
        struct visit *visit = container_of(node, struct visit, node);

        if (visit->is_waiting)
            look_for_queues(visit);
    }
}

void qos_arrivals_abandon(struct qos_hub *hub)
{
    list_for_each_safe(node, after, &hub->visits)
        visit_free(container_of(node, struct visit, node));
}
