/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/advance.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "broker/batch.h"
#include "broker/broker.h"
#include "broker/service.h"
#include "sse/dispatch.h"
#include "sse/event.h"
#include "sse/message.h"
#include "sse/registry.h"
#include "sse/service.h"
#include "sse/user.h"

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
    struct broker_asker asker;
    struct broker_batch *batch;
    size_t open; /* jobs that are not done yet, and one while they are being submitted */
    struct part_job jobs[];
};

/* ---- the results ---- */

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
    broker_batch_unref(part->batch);
    free(part);
}

static void on_job_done(struct sse_dispatch_job *job)
{
    struct part *part = container_of(job, struct part_job, job)->part;

    job->event = sse_event_unref(job->event);
    part_unref(part);
}

/* ---- each connection ---- */

static bool has_duration(const struct broker_item *item)
{
    return item->duration >= 0 || item->session_duration >= 0;
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
    json_t *shown = sse_connection_to_json(connection, job->part->service->server_id);
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

    if (connection && !job->item->message && has_duration(job->item))
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

/* ---- durations that a message tells ---- */

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

/* ---- the batch ---- */

static void prepare_event(struct sse_dispatch_job *job, struct sse_message *message)
{
    job->message = message;
    job->event = sse_event_new(message->event, bytes_ref(message->wire));
    job->event->is_kept = message->is_stored;
}

static void submit(struct part *part, size_t index)
{
    const struct broker_item *item = &part->batch->items[index];
    const size_t values = item->wants_reached ? broker_item_values(item) : 0;
    struct part_job *job = &part->jobs[index];

    job->part = part;
    job->item = item;
    if (item->shown_most > 0 || has_duration(item))
        job->job.on_visit = on_visit;
    job->job.target = broker_item_target(item);
    if (item->message)
        prepare_event(&job->job, item->message);
    if (item->wants_reached) {
        job->job.reached = mem_zalloc(values * sizeof(uint32_t));
        job->job.acknowledging = mem_zalloc(values * sizeof(uint32_t));
    }
    job->job.reason = item->reason;
    job->job.text = item->text;
    job->job.reconnect_ms = item->reconnect_ms;
    job->job.on_done = on_job_done;
    part->open++;
    sse_dispatch_submit(part->service->core->dispatch, &job->job);
}

void broker_advance(struct broker_service *service, const struct broker_message *message)
{
    struct broker_batch *batch = message->advance.batch;
    struct part *part = mem_zalloc(sizeof(*part) + batch->count * sizeof(part->jobs[0]));

    part->service = service;
    part->asker = broker_asker(message);
    part->batch = broker_batch_ref(batch);
    part->open = 1;
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->items[i].message && has_duration(&batch->items[i]))
            set_durations(service->core->registry, &batch->items[i]);
    }
    for (size_t i = 0; i < batch->count; i++) {
        if (!batch->items[i].is_held)
            submit(part, i);
    }
    part_unref(part);
}
