/* SPDX-License-Identifier: Apache-2.0 */
#include "api/qos/qos_visits.h"

#include <stdlib.h>
#include <string.h>

#include "api/qos/qos_hub.h"
#include "api/worker.h"
#include "base/mem.h"
#include "base/slice.h"
#include "cluster/peers.h"
#include "sse/connection.h"
#include "sse/history.h"
#include "sse/registry.h"

/* A connection that has visits under way. */
struct caller {
    struct table_node node;
    struct list visits;
    struct qos_visit *waiting; /* NULL: none does */
    char id[SSE_HANDLE_SIZE];
};

/* From the hub: a connection gets what goes to everybody from now on. */
struct admission {
    struct peers_call call;
    size_t service;
    char id[SSE_HANDLE_SIZE];
    uint64_t joined;
};

bool qos_scope_has(const struct qos_scope *scope, const struct qos_recipient *recipient)
{
    return scope->dimension == SSE_DIMENSIONS ||
           (scope->dimension == recipient->dimension &&
            (!scope->value || strcmp(recipient->value, scope->value) == 0));
}

void qos_scope_release(struct qos_scope *scope)
{
    free(scope->value);
    free(scope->event);
    *scope = QOS_SCOPE_ALL;
}

static bool retry_some(struct chore *chore, struct slice *slice);

void qos_visits_init(struct qos_visits *visits)
{
    table_init(&visits->callers, TABLE_BY_TEXT(struct caller, node, id));
    list_init(&visits->waiting);
    list_init(&visits->again);
    visits->retry.step = retry_some;
}

static struct caller *find_caller(const struct qos_visits *visits, const char *connection_id)
{
    return table_find(&visits->callers, connection_id);
}

static struct caller *caller_of(struct qos_visits *visits, const char *connection_id)
{
    struct caller *caller = find_caller(visits, connection_id);

    if (caller)
        return caller;
    caller = table_new_item(&visits->callers, connection_id);
    list_init(&caller->visits);
    return caller;
}

static void let_caller_go(struct qos_visits *visits, struct caller *caller)
{
    if (!list_is_empty(&caller->visits))
        return;
    table_remove(&visits->callers, &caller->node);
    free(caller);
}

static void end(struct qos_visit *visit)
{
    list_remove(&visit->node);
    list_remove(&visit->turn);
    qos_queues_release(&visit->queues);
    free(visit->recipients);
    qos_visitor_release(&visit->visitor);
    qos_scope_release(&visit->scope);
    free(visit->last_id);
    free(visit);
}

static void visit_free(struct qos_visit *visit)
{
    struct qos_visits *visits = &visit->hub->visits;
    struct caller *caller = find_caller(visits, visit->visitor.client.id);

    if (caller->waiting == visit)
        caller->waiting = NULL;
    end(visit);
    let_caller_go(visits, caller);
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

static void admit(const struct qos_visit *visit)
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

static void arrive(const struct qos_visit *visit, const struct qos_recipient *recipient)
{
    const struct qos_client client = qos_visitor_client(&visit->visitor.client, recipient);
    const char *listening = recipient->listening;

    if (visit->scope.event && strcmp(listening, visit->scope.event) != 0)
        return;
    if (*listening == '\0' || qos_visitor_listens(&visit->visitor, listening))
        qos_desk_arrive(visit->hub->desk, &client, recipient, true);
}

/* One is enough for each connection: the last to begin knows it best, and looks at everything. */
static void await_store(struct qos_visit *visit)
{
    struct qos_visits *visits = &visit->hub->visits;
    struct caller *caller = find_caller(visits, visit->visitor.client.id);
    struct qos_visit *other = caller->waiting;
    const bool is_last = !other || visit->number > other->number;

    if (is_last) {
        caller->waiting = visit;
        list_append(&visits->waiting, &visit->turn);
    }
    if (!other)
        return;
    qos_scope_release(&caller->waiting->scope);
    visit_free(is_last ? other : visit);
}

static void open_gate(struct qos_visit *visit)
{
    struct qos_client *client = &visit->visitor.client;

    if (client->joined == UINT64_MAX)
        client->joined = sse_history_last(visit->hub->service->core->history);
    if (visit->is_gated)
        admit(visit);
    visit->is_gated = false;
}

/* Who has left meanwhile is not let in: nobody would say again that it has left. */
static void on_queues(struct qos_job *job)
{
    struct qos_visit *visit = container_of(job, struct qos_visit, queues.job);

    if (visit->hub->is_stopped || visit->is_gone) {
        visit_free(visit);
        return;
    }
    open_gate(visit);
    if (job->status < 0) {
        qos_sweeper_soon(&visit->hub->sweeper);
        await_store(visit);
        return;
    }
    for (size_t i = 0; i < visit->queues.copies.count; i++)
        arrive(visit, &visit->queues.copies.items[i].recipient);
    visit_free(visit);
}

static void look_for_queues(struct qos_visit *visit)
{
    struct qos_queues *queues = &visit->queues;
    size_t count;

    qos_queues_release(queues);
    free(visit->recipients);
    visit->recipients = qos_visitor_recipients(&visit->visitor, &count);
    *queues = (struct qos_queues){.recipients = visit->recipients};
    for (size_t i = 0; i < count; i++) {
        if (qos_scope_has(&visit->scope, &visit->recipients[i]))
            visit->recipients[queues->count++] = visit->recipients[i];
    }
    qos_queues_init(queues);
    queues->job.done = on_queues;
    qos_store_submit(visit->hub->store, &queues->job);
}

/* What the page has seen is no longer in its queues when these are read. */
static void on_seen(struct qos_job *job)
{
    struct qos_visit *visit = container_of(job, struct qos_visit, seen.job);

    if (!visit->hub->is_stopped)
        qos_hub_ended(visit->hub, job, &visit->seen.ended);
    qos_acknowledge_release(&visit->seen);
}

static void see(struct qos_visit *visit)
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

void qos_visit_begin(struct qos_hub *hub, struct qos_visit *visit)
{
    struct qos_visits *visits = &hub->visits;

    visit->hub = hub;
    visit->number = ++visits->begun;
    list_append(&caller_of(visits, visit->visitor.client.id)->visits, &visit->node);
    if (visit->last_id)
        see(visit);
    look_for_queues(visit);
}

void qos_visits_forget(struct qos_visits *visits, const char *connection_id)
{
    struct caller *caller = find_caller(visits, connection_id);

    if (!caller)
        return;
    list_for_each(node, &caller->visits)
        container_of(node, struct qos_visit, node)->is_gone = true;
    if (caller->waiting)
        visit_free(caller->waiting);
}

static bool retry_some(struct chore *chore, struct slice *slice)
{
    struct qos_visits *visits = container_of(chore, struct qos_visits, retry);
    struct list *turn;

    while (!slice_is_over(slice) && (turn = list_take_first(&visits->again))) {
        struct qos_visit *visit = container_of(turn, struct qos_visit, turn);

        find_caller(visits, visit->visitor.client.id)->waiting = NULL;
        look_for_queues(visit);
        (void)slice_spend(slice);
    }
    return list_is_empty(&visits->again);
}

void qos_visits_retry(struct qos_hub *hub)
{
    struct qos_visits *visits = &hub->visits;
    struct list *turn;

    while ((turn = list_take_first(&visits->waiting)))
        list_append(&visits->again, turn);
    if (!list_is_empty(&visits->again))
        chores_add(&hub->chores, &visits->retry);
}

void qos_visits_release(struct qos_visits *visits)
{
    const struct caller *caller;

    while ((caller = table_first(&visits->callers)))
        visit_free(caller->waiting);
    table_release(&visits->callers);
}
