/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/publishing.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/mem.h"
#include "broker/batch.h"
#include "broker/service.h"
#include "broker/tracing.h"
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

/* A record: */
struct part_job {
    struct sse_dispatch_job job;
    struct part *part;
    /* The log keeps it until it is written. */
    const struct sse_message *message; /* or NULL: */
    const struct sse_command *command;
    uint16_t shown_most;
    struct buf shown; /* a line for each, */
    uint32_t shown_count;
    size_t shown_before; /* and how long it was before the last */
};

/* What is next in the log, under way here. */
struct part {
    struct broker_service *service;
    struct broker_asker asker;
    size_t count;
    size_t open; /* jobs that are not done yet, and one while they are being submitted */
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
    const struct broker_service *service = part->service;
    struct broker_message *answer;

    if (--part->open > 0)
        return;
    answer = broker_message_of_results(BROKER_DELIVERED, service->index, part->count);
    for (size_t i = 0; i < part->count; i++)
        take_result(&answer->results.items[i], &part->jobs[i]);
    broker_answer(service->broker, &part->asker, answer);
    if (sse_log_note_written(service->core->log, broker_worker(service->broker),
                             sse_dispatch_position(service->core->dispatch)))
        broker_tell_owner(service, broker_message_new(BROKER_CAUGHT_UP, service->index, 0));
    free(part);
}

static void on_job_done(struct sse_dispatch_job *job)
{
    const struct part_job *part_job = container_of(job, struct part_job, job);
    struct broker_service *service = part_job->part->service;

    if (job->event)
        tracing_dispatched(&service->tracing, part_job->message, job, service->core->registry);
    job->event = sse_event_unref(job->event);
    part_unref(part_job->part);
}

/* Who is about to be closed says it by itself. */
static void set_duration(const struct sse_command *command, struct sse_connection *connection)
{
    if (command->kind == SSE_RECORD_DURATION)
        connection->session_duration = 0;
    if (command->session_duration >= 0)
        connection->session_duration = command->session_duration;
    if (command->duration > 0)
        connection->session_duration += command->duration;
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

    if (connection && job->command)
        set_duration(job->command, connection);
    if (connection) {
        job->shown_before = job->shown.length;
        if (job->shown_count < job->shown_most)
            show(job, connection);
    } else if (job->shown.length > job->shown_before) {
        job->shown.length = job->shown_before; /* it got nothing */
        job->shown.data[job->shown.length] = '\0';
        job->shown_count--;
    }
}

static void take_message(struct part_job *job, const struct sse_message *message, uint64_t began_ns)
{
    struct sse_event *event = sse_event_new(message->event, bytes_ref(message->wire));

    event->is_kept = message->is_stored;
    event->position = job->job.position;
    event->began_ns = began_ns;
    if (began_ns > 0)
        event->delays = &job->part->service->core->counters.send_delays;
    job->message = message;
    job->job.event = event;
    job->job.target = &message->target;
    if (job->shown_most > 0)
        job->job.on_visit = on_visit;
}

static void take_command(struct part_job *job, const struct sse_command *command)
{
    job->command = command;
    job->job.target = &command->target;
    job->job.is_visit = command->kind == SSE_RECORD_DURATION;
    job->job.reason = SSE_CLOSE_KICKED;
    job->job.text = command->text;
    job->job.traceparent = command->traceparent;
    job->job.reconnect_ms = command->reconnect_ms;
    job->job.on_visit = on_visit;
}

static void take_record(struct part_job *job, uint64_t position, uint64_t began_ns)
{
    const struct sse_log_record *record = sse_log_record(job->part->service->core->log, position);

    job->shown_most = record->shown_most;
    job->job.position = position;
    job->job.on_done = on_job_done;
    if (record->kind == SSE_RECORD_MESSAGE)
        take_message(job, record->message, began_ns);
    else
        take_command(job, record->command);
    if (record->wants_reached) {
        const size_t values = sse_target_size(job->job.target);

        job->job.reached = mem_zalloc(values * sizeof(uint32_t));
        job->job.acknowledging = mem_zalloc(values * sizeof(uint32_t));
    }
}

/* The owner may read the log at any time. */
static void take_records(struct part *part, const struct broker_advance *advance)
{
    const struct broker_service *service = part->service;
    const size_t shard = broker_worker(service->broker);
    struct sse_log *log = service->core->log;

    if (broker_service_owner(service) != shard) {
        fault_stall("advance");
        sse_log_begin(log, shard);
    }
    for (size_t i = 0; i < part->count; i++) {
        part->jobs[i].part = part;
        take_record(&part->jobs[i], advance->after + i + 1, advance->began_ns);
    }
    if (broker_service_owner(service) != shard)
        sse_log_end(log, shard);
}

/* The origin has revoked it by itself. */
static void revoke(const struct part_job *job, size_t from)
{
    const struct broker_service *service = job->part->service;
    const struct sse_command *command = job->command;

    for (size_t i = 0; from != broker_worker(service->broker) && i < command->revoked_count; i++)
        service->revoker.revoke(service->revoker.context, &command->revoked[i], NULL);
    if (job->job.position > service->core->position)
        service->core->position = job->job.position;
    part_unref(job->part);
}

void broker_advance(struct broker_service *service, const struct broker_message *message)
{
    const struct broker_advance *advance = &message->advance;
    struct part *part = mem_zalloc(sizeof(*part) + advance->count * sizeof(part->jobs[0]));

    part->service = service;
    part->asker = broker_asker(message);
    part->count = advance->count;
    part->open = advance->count + 1;
    take_records(part, advance);
    for (size_t i = 0; i < part->count; i++) {
        struct part_job *job = &part->jobs[i];

        if (job->command && job->command->kind == SSE_RECORD_REVOCATION)
            revoke(job, message->from);
        else
            sse_dispatch_submit(service->core->dispatch, &job->job);
    }
    part_unref(part);
}
