/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/table.h"
#include "broker/engine.h"
#include "broker/redelivery/redelivery.h"
#include "broker/service.h"
#include "broker/stored/state.h"
#include "broker/subscriber.h"
#include "qos/look.h"
#include "sse/log.h"
#include "sse/service.h"

struct joins {
    struct table joining; /* by connection */
    struct list waiting;
    struct list again; /* of these, those whose turn it is once more: thousands may wait */
    struct chore retry;
    uint64_t begun;
};

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
    struct joining *joining;
    struct stored_messages *stored;
    struct broker_message *message; /* a reference: its texts are lent to the jobs */
    const struct broker_queues *queues;
    struct consumer client;    /* joined UINT64_MAX: the connection is behind its barrier, */
    bool is_paused;            /* and this one opens it */
    struct broker_scope scope; /* which queues are looked at */
    uint64_t number;
    struct qos_acknowledge seen;
    struct qos_queues found;
    struct qos_recipient *recipients;
    bool is_gone;   /* meanwhile */
    bool is_seeing; /* the engine has seen, which lends from here, */
    bool is_over;   /* and nothing but this keeps the join */
};

static bool retry_some(struct chore *chore, struct slice *slice);

struct joins *joins_new(void)
{
    struct joins *joins = mem_zalloc(sizeof(*joins));

    table_init(&joins->joining, TABLE_BY_TEXT(struct joining, node, handle));
    list_init(&joins->waiting);
    list_init(&joins->again);
    joins->retry.step = retry_some;
    return joins;
}

static struct joining *find_or_add(struct joins *joins, const char *handle)
{
    struct joining *joining = table_find(&joins->joining, handle);

    if (joining)
        return joining;
    joining = table_new_item(&joins->joining, handle);
    list_init(&joining->joins);
    return joining;
}

static struct join *join_new(struct stored_messages *stored, const struct broker_message *message)
{
    struct join *join = mem_zalloc(sizeof(*join));

    join->stored = stored;
    join->message = broker_message_keep(message);
    join->queues = &join->message->queues;
    join->client = join->queues->subscriber.client;
    join->client.joined =
        directory_joined(&stored->service->directory, broker_key(stored->service->broker), message);
    join->is_paused = join->queues->is_paused;
    join->scope = join->queues->scope;
    join->number = ++stored->joins->begun;
    join->joining = find_or_add(stored->joins, join->client.id);
    list_append(&join->joining->joins, &join->node);
    return join;
}

static void join_free(struct join *join)
{
    struct joins *joins = join->stored->joins;
    struct joining *joining = join->joining;

    if (joining->waiting == join)
        joining->waiting = NULL;
    list_remove(&join->node);
    list_remove(&join->turn);
    qos_copies_release(&join->found.copies);
    free(join->recipients);
    broker_message_free(join->message);
    free(join);
    if (!list_is_empty(&joining->joins))
        return;
    table_remove(&joins->joining, &joining->node);
    free(joining);
}

/* When the engine is abandoned it gives found back while it is still at seen. */
static void join_end(struct join *join)
{
    join->is_over = true;
    if (!join->is_seeing)
        join_free(join);
}

/* It gets what goes to everybody from now on. */
static void lift_barrier(struct join *join)
{
    const struct broker_service *service = join->stored->service;
    struct consumer *client = &join->client;
    struct broker_message *message;

    if (client->joined == UINT64_MAX)
        client->joined = sse_log_last(service->core->log);
    if (!join->is_paused)
        return;
    join->is_paused = false;
    message = broker_message_new(BROKER_LIFT_BARRIER, service->index, 0);
    memcpy(message->barrier.handle, client->id, sizeof(message->barrier.handle));
    message->barrier.joined = client->joined;
    broker_send(service->broker, client->worker, message);
}

static void arrive(const struct join *join, const struct qos_recipient *recipient)
{
    const struct consumer client = broker_client_in(&join->client, recipient);
    const char *listening = recipient->listening;

    if (join->scope.event && strcmp(listening, join->scope.event) != 0)
        return;
    if (*listening == '\0' || broker_subscriber_listens(&join->queues->subscriber, listening))
        redelivery_join(join->stored->redelivery, &client, recipient, true);
}

/* One is enough for each connection: the last to begin knows it best, and looks at everything. */
static void await_store(struct join *join)
{
    struct joining *joining = join->joining;
    struct join *other = joining->waiting;
    const bool is_last = !other || join->number > other->number;
    const bool is_paused = join->is_paused || (other && other->is_paused);

    if (is_last) {
        joining->waiting = join;
        list_append(&join->stored->joins->waiting, &join->turn);
    }
    if (!other)
        return;
    joining->waiting->scope = BROKER_EVERY_QUEUE;
    joining->waiting->is_paused = is_paused;
    join_end(is_last ? other : join);
}

/* The connection is paused until another one of its joins has come to its end. */
static bool is_paused_by_other(const struct join *join)
{
    list_for_each(node, &join->joining->joins) {
        const struct join *other = container_of(node, struct join, node);

        if (other != join && other->is_paused)
            return true;
    }
    return false;
}

/* Who has left meanwhile is not let in: nobody would say again that it has left. */
static void on_queues(struct qos_job *job)
{
    struct join *join = container_of(job, struct join, found.job);

    if (join->stored->is_stopped || join->is_gone) {
        join_end(join);
        return;
    }
    if (job->status < 0 || is_paused_by_other(join)) {
        await_store(join);
        return;
    }
    lift_barrier(join);
    for (size_t i = 0; i < join->found.copies.count; i++)
        arrive(join, &join->found.copies.items[i].recipient);
    join_end(join);
}

static void look_for_queues(struct join *join)
{
    struct qos_queues *found = &join->found;
    size_t count;

    qos_copies_release(&found->copies);
    free(join->recipients);
    join->recipients = broker_subscriber_recipients(&join->queues->subscriber, &count);
    *found = (struct qos_queues){.recipients = join->recipients};
    for (size_t i = 0; i < count; i++) {
        if (broker_scope_has(&join->scope, &join->recipients[i]))
            join->recipients[found->count++] = join->recipients[i];
    }
    qos_queues_init(found);
    found->job.done = on_queues;
    join->stored->engine->ops->look(join->stored->engine, found);
}

/* What the page has seen is no longer in its queues when these are read. */
static void on_seen(struct qos_job *job)
{
    struct join *join = container_of(job, struct join, seen.job);

    if (!join->stored->is_stopped)
        stored_ended(join->stored, job->status, &join->seen.ended);
    qos_copies_release(&join->seen.ended);
    join->is_seeing = false;
    if (join->is_over)
        join_free(join);
}

static void see(struct join *join)
{
    join->seen.identity = join->queues->subscriber.identity;
    join->seen.ids = &join->queues->last_id;
    join->seen.count = 1;
    join->seen.is_through = true;
    qos_acknowledge_init(&join->seen);
    join->seen.now = loop_wall_ms(join->stored->service->core->loop);
    join->seen.job.done = on_seen;
    join->is_seeing = true;
    join->stored->engine->ops->acknowledge(join->stored->engine, &join->seen);
}

void joins_join(struct stored_messages *stored, const struct broker_message *message)
{
    struct join *join = join_new(stored, message);

    if (join->queues->last_id)
        see(join);
    look_for_queues(join);
}

/* ---- leaving ---- */

static void leave_queue(const struct stored_messages *stored, const struct broker_queues *queues,
                        const struct qos_recipient *value, const char *listening)
{
    const struct qos_recipient recipient = {value->dimension, value->value, listening};

    redelivery_leave(stored->redelivery, queues->subscriber.client.id, &recipient);
}

static void leave_queues(const struct stored_messages *stored, const struct broker_queues *queues,
                         const struct qos_recipient *value)
{
    const struct broker_subscriber *subscriber = &queues->subscriber;

    if (queues->scope.event) {
        leave_queue(stored, queues, value, queues->scope.event);
        return;
    }
    leave_queue(stored, queues, value, "");
    for (size_t i = 0; i < subscriber->listener_count; i++)
        leave_queue(stored, queues, value, subscriber->listeners[i]);
}

/* The connection has gone. */
static void forget(struct joins *joins, const char *handle)
{
    struct joining *joining = table_find(&joins->joining, handle);

    if (!joining)
        return;
    list_for_each(node, &joining->joins)
        container_of(node, struct join, node)->is_gone = true;
    if (joining->waiting)
        join_end(joining->waiting);
}

void joins_leave(struct stored_messages *stored, const struct broker_message *message)
{
    const struct broker_queues *queues = &message->queues;
    const struct broker_scope *scope = &queues->scope;
    size_t count;
    struct qos_recipient *recipients = broker_subscriber_recipients(&queues->subscriber, &count);

    for (size_t i = 0; i < count; i++) {
        if (broker_scope_has(scope, &recipients[i]))
            leave_queues(stored, queues, &recipients[i]);
    }
    free(recipients);
    if (scope->dimension == SSE_DIMENSIONS && !scope->event)
        forget(stored->joins, queues->subscriber.client.id);
}

/* ---- while the store does not work ---- */

static bool retry_some(struct chore *chore, struct slice *slice)
{
    struct joins *joins = container_of(chore, struct joins, retry);
    struct list *turn;

    while (!slice_is_over(slice) && (turn = list_take_first(&joins->again))) {
        struct join *join = container_of(turn, struct join, turn);

        join->joining->waiting = NULL;
        look_for_queues(join);
        (void)slice_spend(slice);
    }
    return list_is_empty(&joins->again);
}

void joins_retry(struct stored_messages *stored)
{
    struct joins *joins = stored->joins;
    struct list *turn;

    while ((turn = list_take_first(&joins->waiting)))
        list_append(&joins->again, turn);
    if (!list_is_empty(&joins->again))
        chores_add(&stored->chores, &joins->retry);
}

size_t joins_count(const struct joins *joins)
{
    return joins->joining.count;
}

void joins_free(struct joins *joins)
{
    const struct joining *joining;

    while ((joining = table_first(&joins->joining)))
        join_free(container_of(joining->joins.next, struct join, node));
    table_release(&joins->joining);
    free(joins);
}
