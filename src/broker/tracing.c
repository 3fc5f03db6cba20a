/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/tracing.h"

#include "base/buf.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/secrets.h"
#include "broker/batch.h"
#include "broker/message.h"
#include "qos/copies.h"
#include "sse/connection.h"
#include "sse/dispatch.h"
#include "sse/event.h"
#include "sse/message.h"
#include "sse/registry.h"
#include "sse/user.h"

/* What is recorded of one connection, and of one address, in the long run; the rest is counted. */
#define KEYS 4096u

static const struct ratelimit_rule drops_rule = {.burst = 5, .per_second = 1};
static const struct ratelimit_rule refusals_rule = {.burst = 100, .per_second = 10};

/* Of individuals so many are told one by one. */
#define TOLD_VALUES  4u
#define TOLD_MEMBERS 8u

static bool may_record(struct tracing *tracing, struct buckets *buckets, const char *key)
{
    if (!trace_is_on(&tracing->trace))
        return false;
    if (!key || buckets_take(buckets, key, loop_now_ms(tracing->trace.loop)))
        return true;
    tracing->suppressed++;
    return false;
}

/* ---- whom a message is for ---- */

static void write_token(struct trace *trace, const char *token)
{
    struct buf text = BUF_INIT;

    sse_user_append_shortened(&text, token);
    trace_text(trace, TRACE_TO_TOKEN, buf_str(&text));
    buf_release(&text);
}

static void write_target(struct trace *trace, const struct sse_target *target)
{
    static const enum trace_field fields[SSE_DIMENSIONS] = {
        [SSE_BY_USER] = TRACE_TO_USER,
        [SSE_BY_TENANT] = TRACE_TO_TENANT,
        [SSE_BY_CHANNEL] = TRACE_TO_CHANNEL,
        [SSE_BY_CONNECTION] = TRACE_TO_CONNECTION,
    };

    if (target->listening)
        trace_number(trace, TRACE_LISTENERS_ONLY, 1);
    if (target->dimension == SSE_ALL)
        trace_number(trace, TRACE_ALL, 1);
    if (target->count > TRACE_VALUES_MOST)
        trace_number(trace, TRACE_VALUES, target->count);
    for (size_t i = 0; i < target->count && i < TRACE_VALUES_MOST; i++) {
        if (target->dimension == SSE_BY_TOKEN)
            write_token(trace, target->values[i]);
        else
            trace_text(trace, fields[target->dimension], target->values[i]);
    }
}

static void write_message(struct trace *trace, const struct sse_message *message)
{
    trace_text(trace, TRACE_ID, message->id);
    if (!message->has_no_event)
        trace_text(trace, TRACE_EVENT, message->event);
    if (message->is_stored)
        trace_number(trace, TRACE_QOS, 1);
}

/* ---- messages, at the owner ---- */

void tracing_sent(struct tracing *tracing, const struct broker_item *item, const char *by,
                  uint64_t position, size_t shards)
{
    struct trace *trace = &tracing->trace;

    if (!trace_begin(trace, TRACE_SENT, position))
        return;
    write_message(trace, item->message);
    trace_number(trace, TRACE_SHARDS, shards);
    trace_text(trace, TRACE_BY, by);
    write_target(trace, &item->message->target);
    trace_end(trace);
}

void tracing_held(struct tracing *tracing, const struct broker_item *item, const char *by)
{
    struct trace *trace = &tracing->trace;

    if (!trace_begin(trace, TRACE_HELD, 0))
        return;
    write_message(trace, item->message);
    trace_text(trace, TRACE_BY, by);
    write_target(trace, &item->message->target);
    trace_end(trace);
}

void tracing_stored(struct tracing *tracing, const struct broker_item *item, size_t copies,
                    bool is_repeat)
{
    struct trace *trace = &tracing->trace;

    if (!trace_begin(trace, is_repeat ? TRACE_REPEATED : TRACE_STORED, 0))
        return;
    write_message(trace, item->message);
    trace_number(trace, TRACE_COPIES, copies);
    write_target(trace, &item->message->target);
    trace_end(trace);
}

void tracing_ended(struct tracing *tracing, const struct qos_copy *copy)
{
    struct trace *trace = &tracing->trace;
    char *value = (char *)(uintptr_t)copy->recipient.value;
    const struct sse_target target = {
        .dimension = copy->recipient.dimension,
        .values = &value,
        .count = copy->recipient.dimension == SSE_ALL ? 0 : 1,
    };

    if (!trace_begin(trace, TRACE_ENDED, 0))
        return;
    trace_text(trace, TRACE_ID, copy->message->id);
    trace_text(trace, TRACE_EVENT, copy->recipient.listening);
    trace_text(trace, TRACE_STATE, qos_state_words[copy->state]);
    trace_number(trace, TRACE_COUNT, copy->written);
    write_target(trace, &target);
    trace_end(trace);
}

/* ---- where they were sent from ---- */

void tracing_send_refused(struct tracing *tracing, const struct broker_batch *batch,
                          const char *why)
{
    struct trace *trace = &tracing->trace;

    for (size_t i = 0; i < batch->count && i < TRACE_VALUES_MOST; i++) {
        if (!batch->items[i].message || !trace_begin(trace, TRACE_SEND_REFUSED, 0))
            continue;
        write_message(trace, batch->items[i].message);
        trace_text(trace, TRACE_BY, batch->by);
        trace_text(trace, TRACE_REASON, why);
        write_target(trace, &batch->items[i].message->target);
        trace_end(trace);
    }
}

/* ---- messages, at a shard ---- */

static void write_handle(struct trace *trace, enum trace_field field,
                         const struct sse_connection *connection)
{
    trace_name(trace, field, connection->handle, SSE_HANDLE_SIZE - 1);
}

/* Who does not listen gets it all the same, unless its sender asks for those who do. */
static void write_fate(struct trace *trace, const struct sse_connection *connection,
                       const struct sse_dispatch_job *job)
{
    const bool listens = sse_connection_has_name(connection, SSE_GROUP_LISTENER, job->event->name);

    if (sse_dispatch_has_reached(job, connection))
        write_handle(trace, TRACE_GOT, connection);
    else if (listens || !job->target->listening)
        write_handle(trace, TRACE_LEFT_OUT, connection);
    if (!listens)
        write_handle(trace, TRACE_DEAF, connection);
}

/* Of a value: one connection, or those of one user or token. */
static void write_fates(struct trace *trace, const struct sse_registry *registry,
                        const struct sse_dispatch_job *job, size_t index)
{
    const struct sse_target *target = job->target;
    const char *value = target->values[index];
    const struct sse_connection *connection;
    const struct sse_group *group;

    if (target->dimension == SSE_BY_CONNECTION) {
        connection = sse_registry_find(registry, value);
        if (connection)
            write_fate(trace, connection, job);
        return;
    }
    group = sse_registry_group(registry, (enum sse_group_kind)target->dimension, value);
    for (size_t i = 0; group && i < group->count && i < TOLD_MEMBERS; i++) {
        if (target->dimension != SSE_BY_USER || sse_user_is(group->members[i]->user, value))
            write_fate(trace, group->members[i], job);
    }
}

static bool is_of_individuals(const struct sse_target *target)
{
    return target->dimension == SSE_BY_USER || target->dimension == SSE_BY_TOKEN ||
           target->dimension == SSE_BY_CONNECTION;
}

/* Most users have one connection, which dispatch has just seen. */
static void write_individuals(struct trace *trace, const struct sse_dispatch_job *job,
                              const struct sse_registry *registry)
{
    const struct sse_connection *only = job->named == 1 ? sse_dispatch_last(job, registry) : NULL;

    if (only) {
        write_fate(trace, only, job);
        return;
    }
    for (size_t i = 0; i < job->target->count && i < TOLD_VALUES; i++)
        write_fates(trace, registry, job, i);
}

void tracing_dispatched(struct tracing *tracing, const struct sse_message *message,
                        const struct sse_dispatch_job *job, const struct sse_registry *registry)
{
    struct trace *trace = &tracing->trace;
    const struct sse_target *target = job->target;

    /* Nobody is here: the owner has to ask one worker at least. */
    if (job->named == 0 || !trace_begin(trace, TRACE_DISPATCHED, job->position))
        return;
    write_message(trace, message);
    trace_number(trace, TRACE_IN_GROUP, job->named);
    trace_number(trace, TRACE_QUEUED, job->count);
    if (job->missed > 0)
        trace_number(trace, TRACE_MISSED, job->missed);
    write_target(trace, target);
    if (is_of_individuals(target))
        write_individuals(trace, job, registry);
    trace_end(trace);
}

/* ---- connections ---- */

static void write_connection(struct trace *trace, const struct sse_connection *connection)
{
    write_handle(trace, TRACE_CONNECTION, connection);
    trace_text(trace, TRACE_USER, secrets_mask_name(connection->user->key));
    trace_text(trace, TRACE_TENANT, secrets_mask_name(connection->user->tenant_id));
}

void tracing_redelivered(struct tracing *tracing, const struct sse_connection *connection,
                         const struct broker_line *line)
{
    struct trace *trace = &tracing->trace;

    if (!trace_begin(trace, TRACE_REDELIVERED, 0))
        return;
    trace_text(trace, TRACE_ID, line->id);
    trace_text(trace, TRACE_EVENT, line->event);
    write_connection(trace, connection);
    trace_end(trace);
}

static size_t write_names(struct trace *trace, const struct sse_connection *connection,
                          enum sse_group_kind kind, enum trace_field field)
{
    const size_t count = sse_registry_name_count(connection, kind);

    for (size_t i = 0; i < count && i < TRACE_VALUES_MOST; i++)
        trace_text(trace, field, secrets_mask_name(sse_registry_name(connection, kind, i)));
    return count;
}

/* How a page that was here before goes on, and from where if it has missed something. */
static void write_resume(struct trace *trace, const struct sse_arrival *arrival)
{
    if (!arrival || !arrival->last_id)
        return;
    trace_text(trace, TRACE_RESUME, arrival->is_exact ? "resumed" : "gap");
    if (!arrival->is_exact)
        trace_number(trace, TRACE_AFTER, arrival->after);
}

static struct tracing *tracing_of(struct sse_observer *observer)
{
    return container_of(observer, struct tracing, observer);
}

static void write_opened(struct trace *trace, const struct sse_connection *connection,
                         const struct sse_arrival *arrival)
{
    const struct sse_client_info info = sse_connection_info(connection);
    size_t listeners, channels;

    write_connection(trace, connection);
    trace_text(trace, TRACE_ADDRESS, info.request_ip);
    trace_text(trace, TRACE_CLIENT, secrets_mask_name(info.client_id));
    write_resume(trace, arrival);
    channels = write_names(trace, connection, SSE_GROUP_CHANNEL, TRACE_CHANNEL);
    listeners = write_names(trace, connection, SSE_GROUP_LISTENER, TRACE_LISTENER);
    trace_number(trace, TRACE_NAMES, channels + listeners);
}

static void on_connect(struct sse_observer *observer, struct sse_connection *connection)
{
    struct trace *trace = &tracing_of(observer)->trace;

    if (!trace_begin(trace, TRACE_OPENED, connection->opened))
        return;
    write_opened(trace, connection, &connection->home->arrival);
    trace_end(trace);
}

void tracing_of_now(struct trace *trace, const struct sse_connection *connection)
{
    const int64_t age_ms = loop_wall_ms(trace->loop) - connection->create_time;
    const uint64_t age_ns = age_ms > 0 ? (uint64_t)age_ms * 1000000 : 0;

    if (!trace_begin(trace, TRACE_OPENED, connection->opened))
        return;
    trace->open->is_of_now = true;
    trace->open->time = connection->create_time;
    trace->open->ns -= age_ns < trace->open->ns ? age_ns : trace->open->ns;
    write_opened(trace, connection, NULL);
    trace_end(trace);
}

static void on_disconnect(struct sse_observer *observer, struct sse_connection *connection,
                          enum sse_close_reason reason, const char *text)
{
    struct trace *trace = &tracing_of(observer)->trace;

    if (!trace_begin(trace, TRACE_CLOSED, 0))
        return;
    write_connection(trace, connection);
    trace_text(trace, TRACE_CAUSE, sse_close_reason_words[reason]);
    trace_text(trace, TRACE_REASON, text);
    trace_number(trace, TRACE_WRITTEN, sse_connection_written(connection));
    trace_number(trace, TRACE_COUNT, connection->queue.count);
    trace_end(trace);
}

static void write_name(struct trace *trace, enum trace_kind kind,
                       const struct sse_connection *connection, enum trace_field field,
                       const char *name)
{
    if (!trace_begin(trace, kind, 0))
        return;
    write_connection(trace, connection);
    trace_text(trace, field, secrets_mask_name(name));
    trace_end(trace);
}

static void on_listening(struct sse_observer *observer, struct sse_connection *connection,
                         const char *event, bool after)
{
    write_name(&tracing_of(observer)->trace, after ? TRACE_LISTENING : TRACE_UNLISTENING,
               connection, TRACE_LISTENER, event);
}

static void on_channel(struct sse_observer *observer, struct sse_connection *connection,
                       const char *channel, bool after)
{
    write_name(&tracing_of(observer)->trace, after ? TRACE_SUBSCRIBED : TRACE_UNSUBSCRIBED,
               connection, TRACE_CHANNEL, channel);
}

static void on_dropped(struct sse_observer *observer, struct sse_connection *connection,
                       const struct sse_drop *drop)
{
    struct tracing *tracing = tracing_of(observer);
    struct trace *trace = &tracing->trace;

    if (!may_record(tracing, &tracing->drops, connection->handle) ||
        !trace_begin(trace, TRACE_DROPPED, drop->position))
        return;
    write_connection(trace, connection);
    trace_text(trace, TRACE_POLICY, drop->policy);
    trace_text(trace, TRACE_EVENT, drop->event);
    trace_number(trace, TRACE_COUNT, drop->count);
    trace_end(trace);
}

static void on_gap(struct sse_observer *observer, struct sse_connection *connection, uint64_t after,
                   uint64_t position)
{
    struct tracing *tracing = tracing_of(observer);
    struct trace *trace = &tracing->trace;

    if (!may_record(tracing, &tracing->drops, connection->handle) ||
        !trace_begin(trace, TRACE_GAP, position))
        return;
    write_connection(trace, connection);
    trace_number(trace, TRACE_AFTER, after);
    trace_end(trace);
}

/* The names of one kind. */
static void write_left_out(struct trace *trace, const json_t *left_out, const char *kind,
                           enum trace_field field)
{
    for (size_t i = 0; i < json_array_size(left_out) && i < TRACE_VALUES_MOST; i++) {
        const json_t *entry = json_array_get(left_out, i);
        const char *name = json_string_value(json_object_get(entry, kind));

        trace_text(trace, field, secrets_mask_name(name));
        if (name)
            trace_text(trace, TRACE_REFUSED_WHY,
                       json_string_value(json_object_get(entry, "reason")));
    }
}

void tracing_left_out(struct tracing *tracing, const struct sse_connection *connection,
                      const json_t *left_out)
{
    struct trace *trace = &tracing->trace;
    const size_t count = json_array_size(left_out);

    if (count == 0 || !trace_begin(trace, TRACE_CHANNELS_REFUSED, 0))
        return;
    write_connection(trace, connection);
    trace_number(trace, TRACE_NAMES, count);
    write_left_out(trace, left_out, "channel", TRACE_REFUSED_CHANNEL);
    write_left_out(trace, left_out, "listener", TRACE_REFUSED_LISTENER);
    trace_end(trace);
}

void tracing_names_refused(struct tracing *tracing, const struct sse_connection *connection,
                           enum sse_group_kind kind, const struct broker_names *names,
                           const char *why)
{
    struct trace *trace = &tracing->trace;

    if (names->count == 0 || !trace_begin(trace, TRACE_CHANNELS_REFUSED, 0))
        return;
    write_connection(trace, connection);
    trace_number(trace, TRACE_NAMES, names->count);
    for (size_t i = 0; i < names->count && i < TRACE_VALUES_MOST; i++) {
        trace_text(trace,
                   kind == SSE_GROUP_CHANNEL ? TRACE_REFUSED_CHANNEL : TRACE_REFUSED_LISTENER,
                   secrets_mask_name(names->texts[i]));
        trace_text(trace, TRACE_REFUSED_WHY, why);
    }
    trace_end(trace);
}

/* ---- refused requests ---- */

bool tracing_takes_refusal(struct tracing *tracing, const char *address)
{
    return may_record(tracing, &tracing->refusals, address);
}

void tracing_refused(struct tracing *tracing, const struct tracing_refusal *refusal)
{
    struct trace *trace = &tracing->trace;

    if (!trace_begin(trace, TRACE_REFUSED, 0))
        return;
    trace_number(trace, TRACE_STATUS, (uint64_t)refusal->status);
    trace_text(trace, TRACE_RULE, refusal->rule);
    trace_text(trace, TRACE_REASON, refusal->reason);
    trace_text(trace, TRACE_METHOD, refusal->method);
    trace_text(trace, TRACE_PATH, refusal->path);
    trace_text(trace, TRACE_ADDRESS, refusal->address);
    trace_text(trace, TRACE_CLIENT, secrets_mask_name(refusal->client));
    trace_text(trace, TRACE_CONNECTION, refusal->connection);
    trace_text(trace, TRACE_REQUEST, refusal->request);
    trace_text(trace, TRACE_BY, refusal->by);
    if (refusal->user) {
        trace_text(trace, TRACE_USER, secrets_mask_name(refusal->user->key));
        trace_text(trace, TRACE_TENANT, secrets_mask_name(refusal->user->tenant_id));
    }
    trace_text(trace, TRACE_CLAIMED_USER, secrets_mask_name(refusal->claimed_user));
    trace_text(trace, TRACE_CLAIMED_TENANT, secrets_mask_name(refusal->claimed_tenant));
    trace_end(trace);
}

/* ---- its life ---- */

void tracing_init(struct tracing *tracing, struct sse_service *core, size_t worker,
                  const struct trace_bounds *bounds)
{
    *tracing = (struct tracing){.observer = {.on_connect = on_connect,
                                             .on_disconnect = on_disconnect,
                                             .on_listening = on_listening,
                                             .on_channel = on_channel,
                                             .on_dropped = on_dropped,
                                             .on_gap = on_gap}};
    trace_init(&tracing->trace, core->loop, worker, bounds);
    buckets_init(&tracing->drops, core->loop, &drops_rule, KEYS);
    buckets_init(&tracing->refusals, core->loop, &refusals_rule, KEYS);
    list_append(&core->observers, &tracing->observer.node);
}

void tracing_change(struct tracing *tracing, const struct trace_bounds *bounds)
{
    trace_change(&tracing->trace, bounds);
}

void tracing_release(struct tracing *tracing)
{
    list_remove(&tracing->observer.node);
    buckets_release(&tracing->drops);
    buckets_release(&tracing->refusals);
    trace_release(&tracing->trace);
}
