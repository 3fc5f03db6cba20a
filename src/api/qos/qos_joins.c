/* SPDX-License-Identifier: Apache-2.0 */
#include "api/qos/qos_joins.h"

#include <stdlib.h>
#include <string.h>

#include "api/qos/qos_hub.h"
#include "api/worker.h"
#include "base/mem.h"
#include "base/slice.h"
#include "broker/subscriber.h"
#include "qos/look.h"
#include "sse/history.h"

/* A connection that is coming to queues. */
struct joining {
    struct table_node node;
    struct list joins;
    struct join *waiting; /* NULL: none does */
    char handle[SSE_HANDLE_SIZE];
};

/* What one message says of it. */
struct join {
    struct list node; /* of its connection's, and */
    struct list turn; /* of those that wait for the store to be there again */
    struct qos_hub *hub;
    struct broker_message *message; /* a reference: its texts are lent to the jobs */
    const struct broker_queues *queues;
    struct qos_client client;  /* joined UINT64_MAX: the connection is behind its gate, */
    bool is_gated;             /* and this one opens it */
    struct broker_scope scope; /* which queues are looked at */
    uint64_t number;
    struct qos_acknowledge seen;
    struct qos_queues stored;
    struct qos_recipient *recipients;
    bool is_gone; /* meanwhile */
};

static bool retry_some(struct chore *chore, struct slice *slice);

void qos_joins_init(struct qos_joins *joins)
{
    table_init(&joins->joining, TABLE_BY_TEXT(struct joining, node, handle));
    list_init(&joins->waiting);
    list_init(&joins->again);
    joins->retry.step = retry_some;
}

static struct joining *find(const struct qos_joins *joins, const char *handle)
{
    return table_find(&joins->joining, handle);
}

static struct joining *find_or_add(struct qos_joins *joins, const char *handle)
{
    struct joining *joining = find(joins, handle);

    if (joining)
        return joining;
    joining = table_new_item(&joins->joining, handle);
    list_init(&joining->joins);
    return joining;
}

static struct join *join_new(struct qos_hub *hub, const struct broker_message *message)
{
    struct join *join = mem_zalloc(sizeof(*join));

    join->hub = hub;
    join->message = broker_message_keep(message);
    join->queues = &join->message->queues;
    join->client = join->queues->subscriber.client;
    join->is_gated = join->queues->is_gated;
    join->scope = join->queues->scope;
    join->number = ++hub->joins.begun;
    list_append(&find_or_add(&hub->joins, join->client.id)->joins, &join->node);
    return join;
}

static void join_free(struct join *join)
{
    struct qos_joins *joins = &join->hub->joins;
    struct joining *joining = find(joins, join->client.id);

    if (joining->waiting == join)
        joining->waiting = NULL;
    list_remove(&join->node);
    list_remove(&join->turn);
    qos_queues_release(&join->stored);
    free(join->recipients);
    broker_message_free(join->message);
    free(join);
    if (!list_is_empty(&joining->joins))
        return;
    table_remove(&joins->joining, &joining->node);
    free(joining);
}

/* It gets what goes to everybody from now on. */
static void open_gate(struct join *join)
{
    const struct broker_service *service = &join->hub->service->broker;
    struct qos_client *client = &join->client;
    struct broker_message *message;

    if (client->joined == UINT64_MAX)
        client->joined = sse_history_last(service->core->history);
    if (!join->is_gated)
        return;
    join->is_gated = false;
    message = broker_message_new(BROKER_OPEN_GATE, service->index, 0);
    memcpy(message->gate.handle, client->id, sizeof(message->gate.handle));
    message->gate.joined = client->joined;
    broker_send(service->broker, client->worker, message);
}

static void arrive(const struct join *join, const struct qos_recipient *recipient)
{
    const struct qos_client client = broker_client_in(&join->client, recipient);
    const char *listening = recipient->listening;

    if (join->scope.event && strcmp(listening, join->scope.event) != 0)
        return;
    if (*listening == '\0' || broker_subscriber_listens(&join->queues->subscriber, listening))
        qos_desk_arrive(join->hub->desk, &client, recipient, true);
}

/* One is enough for each connection: the last to begin knows it best, and looks at everything. */
static void await_store(struct join *join)
{
    struct qos_joins *joins = &join->hub->joins;
    struct joining *joining = find(joins, join->client.id);
    struct join *other = joining->waiting;
    const bool is_last = !other || join->number > other->number;

    if (is_last) {
        joining->waiting = join;
        list_append(&joins->waiting, &join->turn);
    }
    if (!other)
        return;
    joining->waiting->scope = BROKER_EVERY_QUEUE;
    join_free(is_last ? other : join);
}

/* Who has left meanwhile is not let in: nobody would say again that it has left. */
static void on_queues(struct qos_job *job)
{
    struct join *join = container_of(job, struct join, stored.job);

    if (join->hub->is_stopped || join->is_gone) {
        join_free(join);
        return;
    }
    open_gate(join);
    if (job->status < 0) {
        qos_sweeper_soon(&join->hub->sweeper);
        await_store(join);
        return;
    }
    for (size_t i = 0; i < join->stored.copies.count; i++)
        arrive(join, &join->stored.copies.items[i].recipient);
    join_free(join);
}

static void look_for_queues(struct join *join)
{
    struct qos_queues *stored = &join->stored;
    size_t count;

    qos_queues_release(stored);
    free(join->recipients);
    join->recipients = broker_subscriber_recipients(&join->queues->subscriber, &count);
    *stored = (struct qos_queues){.recipients = join->recipients};
    for (size_t i = 0; i < count; i++) {
        if (broker_scope_has(&join->scope, &join->recipients[i]))
            join->recipients[stored->count++] = join->recipients[i];
    }
    qos_queues_init(stored);
    stored->job.done = on_queues;
    qos_store_submit(join->hub->store, &stored->job);
}

/* What the page has seen is no longer in its queues when these are read. */
static void on_seen(struct qos_job *job)
{
    struct join *join = container_of(job, struct join, seen.job);

    if (!join->hub->is_stopped)
        qos_hub_ended(join->hub, job, &join->seen.ended);
    qos_acknowledge_release(&join->seen);
}

static void see(struct join *join)
{
    join->seen.identity = join->queues->subscriber.identity;
    join->seen.ids = &join->queues->last_id;
    join->seen.count = 1;
    join->seen.is_through = true;
    qos_acknowledge_init(&join->seen);
    join->seen.now = loop_wall_ms(join->hub->service->api->loop);
    join->seen.job.done = on_seen;
    qos_store_submit(join->hub->store, &join->seen.job);
}

void qos_join(struct qos_hub *hub, const struct broker_message *message)
{
    struct join *join = join_new(hub, message);

    if (join->queues->last_id)
        see(join);
    look_for_queues(join);
}

/* ---- leaving ---- */

static void leave_queue(const struct qos_hub *hub, const struct broker_queues *queues,
                        const struct qos_recipient *value, const char *listening)
{
    const struct qos_recipient recipient = {value->dimension, value->value, listening};

    qos_desk_leave(hub->desk, queues->subscriber.client.id, &recipient);
}

static void leave_queues(const struct qos_hub *hub, const struct broker_queues *queues,
                         const struct qos_recipient *value)
{
    const struct broker_subscriber *subscriber = &queues->subscriber;

    if (queues->scope.event) {
        leave_queue(hub, queues, value, queues->scope.event);
        return;
    }
    leave_queue(hub, queues, value, "");
    for (size_t i = 0; i < subscriber->listener_count; i++)
        leave_queue(hub, queues, value, subscriber->listeners[i]);
}

/* The connection has gone. */
static void forget(struct qos_joins *joins, const char *handle)
{
    struct joining *joining = find(joins, handle);

    if (!joining)
        return;
    list_for_each(node, &joining->joins)
        container_of(node, struct join, node)->is_gone = true;
    if (joining->waiting)
        join_free(joining->waiting);
}

void qos_leave(struct qos_hub *hub, const struct broker_message *message)
{
    const struct broker_queues *queues = &message->queues;
    const struct broker_scope *scope = &queues->scope;
    size_t count;
    struct qos_recipient *recipients = broker_subscriber_recipients(&queues->subscriber, &count);

    for (size_t i = 0; i < count; i++) {
        if (broker_scope_has(scope, &recipients[i]))
            leave_queues(hub, queues, &recipients[i]);
    }
    free(recipients);
    if (scope->dimension == SSE_DIMENSIONS && !scope->event)
        forget(&hub->joins, queues->subscriber.client.id);
}

/* ---- while the store does not work ---- */

static bool retry_some(struct chore *chore, struct slice *slice)
{
    struct qos_joins *joins = container_of(chore, struct qos_joins, retry);
    struct list *turn;

    while (!slice_is_over(slice) && (turn = list_take_first(&joins->again))) {
        struct join *join = container_of(turn, struct join, turn);

        find(joins, join->client.id)->waiting = NULL;
        look_for_queues(join);
        (void)slice_spend(slice);
    }
    return list_is_empty(&joins->again);
}

void qos_joins_retry(struct qos_hub *hub)
{
    struct qos_joins *joins = &hub->joins;
    struct list *turn;

    while ((turn = list_take_first(&joins->waiting)))
        list_append(&joins->again, turn);
    if (!list_is_empty(&joins->again))
        chores_add(&hub->chores, &joins->retry);
}

void qos_joins_release(struct qos_joins *joins)
{
    const struct joining *joining;

    while ((joining = table_first(&joins->joining)))
        join_free(joining->waiting);
    table_release(&joins->joining);
}
