/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/publishing.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/mem.h"
#include "broker/batch.h"
#include "broker/service.h"
#include "sse/dispatch.h"
#include "sse/event.h"
#include "sse/log.h"
#include "sse/message.h"
#include "sse/registry.h"
#include "sse/service.h"
#include "sse/user.h"

/* ---- the origin ---- */

static void add(struct broker_publishing *publishing, const struct broker_results *delivered)
{
    const struct broker_batch *batch = publishing->batch;

    if (!publishing->sum)
        publishing->sum = broker_message_of_results(BROKER_PUBLISHED, 0, batch->count);
    for (size_t i = 0; i < batch->count; i++)
        broker_result_add(&publishing->sum->results.items[i], &batch->items[i],
                          &delivered->items[i]);
}

static void on_answer(struct broker_request *request, const struct broker_message *answer)
{
    struct broker_publishing *publishing = container_of(request, struct broker_publishing, request);
    const struct broker_results *published = &answer->results;
    struct broker_batch *batch = publishing->batch;
    struct broker_message *sum;

    if (request->open > 0 || publishing->sum) {
        add(publishing, &answer->results);
        published = &publishing->sum->results;
    }
    if (request->open > 0)
        return;
    sum = publishing->sum;
    publishing->done(publishing, published); /* which may free it */
    if (sum)
        broker_message_free(sum);
    broker_batch_unref(batch);
}

void broker_publish(const struct broker_service *service, struct broker_publishing *publishing,
                    struct broker_batch *batch, uint64_t session, bool is_stored)
{
    struct broker_message *message = broker_message_new(BROKER_PUBLISH, service->index, 0);

    publishing->batch = broker_batch_ref(batch);
    publishing->sum = NULL;
    publishing->request.on_answer = on_answer;
    message->publish.batch = broker_batch_ref(batch);
    message->publish.session = session;
    message->publish.is_stored = is_stored;
    broker_ask_in_turn(service->broker, broker_service_owner(service), message,
                       &publishing->request);
}

/* ---- a shard ---- */

struct part;

struct part_job {
    struct sse_dispatch_job job;
    struct part *part;
    const struct broker_item *item;
    struct buf shown; /* a line for each, */
    uint32_t shown_count;
    size_t shown_before; /* and how long it was before the last */
};

/* A batch under way here. */
struct part {
    const struct broker_service *service;
    struct tracing *tracing;
    struct broker_asker asker;
    struct broker_batch *batch;
    size_t bytes;
    uint64_t position; /* of the latest message that was submitted */
    size_t open;       /* jobs that are not done yet, and one while they are being submitted */
    struct part_job jobs[];
};

static void take_result(struct broker_result *result, struct part_job *job)
{
    result->count = job->job.count;
    result->reached = job->job.reached;
    result->acknowledging = job->job.acknowledging;
    result->shown = job->shown.data;
    result->shown_count = job->shown_count;
}

static void part_unref(struct part *part)
{
    struct broker_message *answer;

    if (--part->open > 0)
        return;
    answer = broker_message_of_results(BROKER_DELIVERED, part->service->index, part->batch->count);
    for (size_t i = 0; i < part->batch->count; i++)
        take_result(&answer->results.items[i], &part->jobs[i]);
    broker_answer(part->service->broker, &part->asker, answer);
    if (sse_log_note_written(part->service->core->log, part->service->core->shard.number,
                             part->bytes))
        broker_tell_owner(part->service,
                          broker_message_new(BROKER_CAUGHT_UP, part->service->index, 0));
    broker_batch_unref(part->batch);
    free(part);
}

static void on_job_done(struct sse_dispatch_job *job)
{
    const struct part_job *part_job = container_of(job, struct part_job, job);
    struct part *part = part_job->part;

    if (job->event)
        tracing_dispatched(part->tracing, part_job->item, job, part->service->core->registry);
    job->event = sse_event_unref(job->event);
    part_unref(part);
}

/* Of one that is about to be closed, and says it by itself. */
static void set_duration(const struct broker_item *item, struct sse_connection *connection)
{
    if (item->session_duration >= 0)
        connection->session_duration = item->session_duration;
    if (item->duration >= 0)
        connection->session_duration += item->duration;
}

static void show(struct part_job *job, const struct sse_connection *connection)
{
    json_t *shown = sse_connection_to_json(connection, job->part->service->settings.server_id);
    char *text = json_dumps(shown, JSON_COMPACT);

    if (text) {
        buf_printf(&job->shown, "%s\n", text);
        job->shown_count++;
    }
    free(text);
    json_decref(shown);
}

static void on_visit(struct sse_dispatch_job *base, struct sse_connection *connection)
{
    struct part_job *job = container_of(base, struct part_job, job);

    if (connection && !job->item->message && broker_item_has_duration(job->item))
        set_duration(job->item, connection);
    if (connection) {
        job->shown_before = job->shown.length;
        if (job->shown_count < job->item->shown_most)
            show(job, connection);
    } else if (job->shown.length > job->shown_before) {
        job->shown.length = job->shown_before; /* it got nothing */
        job->shown.data[job->shown.length] = '\0';
        job->shown_count--;
    }
}

/* Of its members those that are meant by the value. */
static void set_group(const struct sse_group *group, const struct sse_target *target,
                      const char *value, int64_t seconds)
{
    for (size_t i = 0; group && i < group->count; i++) {
        struct sse_connection *connection = group->members[i];

        if (target->dimension != SSE_BY_USER || sse_user_is(connection->user, value))
            connection->session_duration = seconds;
    }
}

static void set_durations(const struct sse_registry *registry, const struct broker_item *item)
{
    const struct sse_target *target = broker_item_target(item);
    const int64_t seconds = (item->duration > 0 ? item->duration : 0) +
                            (item->session_duration > 0 ? item->session_duration : 0);

    for (size_t i = 0; i < target->count; i++) {
        const char *value = target->values[i];
        struct sse_connection *connection;

        if (target->dimension != SSE_BY_CONNECTION) {
            set_group(sse_registry_group(registry, (enum sse_group_kind)target->dimension, value),
                      target, value, seconds);
            continue;
        }
        connection = sse_registry_find(registry, value);
        if (connection)
            connection->session_duration = seconds;
    }
}

static void submit(struct part *part, size_t index)
{
    const struct broker_item *item = &part->batch->items[index];
    const size_t values = item->wants_reached ? broker_item_values(item) : 0;
    struct part_job *job = &part->jobs[index];

    job->part = part;
    job->item = item;
    if (item->shown_most > 0 || broker_item_has_duration(item))
        job->job.on_visit = on_visit;
    job->job.target = broker_item_target(item);
    if (item->message) {
        job->job.position = ++part->position;
        job->job.event = sse_event_new(item->message->event, bytes_ref(item->message->wire));
        job->job.event->is_kept = item->message->is_stored;
        job->job.event->began_ns = part->batch->began_ns;
        if (part->batch->began_ns > 0)
            job->job.event->delays = &part->service->core->counters.send_delays;
        job->job.event->position = job->job.position;
    }
    if (item->wants_reached) {
        job->job.reached = mem_zalloc(values * sizeof(uint32_t));
        job->job.acknowledging = mem_zalloc(values * sizeof(uint32_t));
    }
    job->job.reason = item->reason;
    job->job.text = item->text;
    job->job.traceparent = part->batch->traceparent;
    job->job.reconnect_ms = item->reconnect_ms;
    job->job.on_done = on_job_done;
    part->open++;
    sse_dispatch_submit(part->service->core->dispatch, &job->job);
}

/* The origin has revoked it by itself. */
static void revoke(const struct broker_service *service, const struct broker_item *item,
                   size_t from)
{
    for (size_t i = 0; from != broker_worker(service->broker) && i < item->revoked_count; i++)
        service->revoker.revoke(service->revoker.context, &item->revoked[i], NULL);
}

void broker_advance(struct broker_service *service, const struct broker_message *message)
{
    struct broker_batch *batch = message->advance.batch;
    struct part *part = mem_zalloc(sizeof(*part) + batch->count * sizeof(part->jobs[0]));

    if (broker_service_owner(service) != broker_worker(service->broker))
        fault_stall("advance");
    part->service = service;
    part->tracing = &service->tracing;
    part->asker = broker_asker(message);
    part->batch = broker_batch_ref(batch);
    part->bytes = message->advance.bytes;
    part->position = message->advance.after;
    part->open = 1;
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->items[i].message && broker_item_has_duration(&batch->items[i]))
            set_durations(service->core->registry, &batch->items[i]);
    }
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->items[i].revoked)
            revoke(service, &batch->items[i], message->from);
        else if (!batch->items[i].is_held)
            submit(part, i);
    }
    part_unref(part);
}
