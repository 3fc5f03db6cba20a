/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/mem.h"
#include "broker/engine.h"
#include "broker/publish.h"
#include "broker/redelivery/ask_shards.h"
#include "broker/redelivery/redelivery.h"
#include "broker/service.h"
#include "broker/stored/state.h"
#include "qos/copies.h"
#include "qos/end.h"
#include "qos/look.h"
#include "sse/history.h"
#include "sse/log.h"
#include "sse/message.h"
#include "sse/service.h"

/* ---- of the store ---- */

struct reading {
    struct qos_read read;
    uint64_t question;
};

static void on_read(struct qos_job *job)
{
    struct reading *reading = container_of(job, struct reading, read.job);
    const struct qos_read *read = &reading->read;
    struct stored_messages *stored = read->job.context;

    if (!stored->is_stopped && read->aside.count > 0)
        stored_ended(stored, job->status, &read->aside);
    if (!stored->is_stopped)
        redelivery_read_done(stored->redelivery, reading->question, job->status, read->copies.items,
                             read->copies.count, read->is_all);
    qos_read_release(&reading->read);
    free(reading);
}

static void read_queue(void *context, uint64_t question, const struct qos_recipient *recipient,
                       uint64_t after, size_t limit)
{
    const struct stored_messages *stored = context;
    struct reading *reading = mem_zalloc(sizeof(*reading));

    reading->question = question;
    reading->read.job.context = context;
    qos_read_init(&reading->read, recipient);
    reading->read.after = after;
    reading->read.limit = limit;
    reading->read.job.done = on_read;
    stored->engine->ops->read(stored->engine, &reading->read);
}

static void on_mark(struct qos_job *job)
{
    struct qos_mark *mark = container_of(job, struct qos_mark, job);
    struct stored_messages *stored = mark->job.context;

    if (!stored->is_stopped)
        stored_ended(stored, job->status, &mark->ended);
    qos_mark_release(mark);
    free(mark);
}

static void mark_copy(void *context, uint64_t number, const struct qos_recipient *recipient,
                      enum qos_state state, uint32_t written)
{
    struct stored_messages *stored = context;
    struct qos_mark *mark = mem_zalloc(sizeof(*mark));

    mark->job.context = stored;
    qos_mark_init(mark, recipient);
    mark->number = number;
    mark->state = state;
    mark->written = written;
    mark->now = loop_wall_ms(stored->service->core->loop);
    mark->job.done = on_mark;
    stored->engine->ops->mark(stored->engine, mark);
}

/* A message for several queues may have been written to one of them, and wait in the others. */
static bool went_to(const struct sse_message *message, const struct qos_recipient *recipient)
{
    for (size_t i = 0; i < sse_target_size(&message->target); i++) {
        const struct qos_recipient other = qos_recipient_at(&message->target, i);

        if (qos_recipient_equals(&other, recipient))
            return true;
    }
    return false;
}

static uint64_t position_of(void *context, const struct qos_copy *copy)
{
    const struct stored_messages *stored = context;
    const struct sse_service *core = stored->service->core;
    const uint64_t position = sse_history_position(core->history, copy->message->id);
    const struct sse_message *message = position > 0 ? sse_log_at(core->log, position) : NULL;

    return message && !went_to(message, &copy->recipient) ? 0 : position;
}

/* ---- of shards ---- */

static void on_counted(void *context, uint64_t question, const struct liveness *living)
{
    const struct stored_messages *stored = context;

    if (!stored->is_stopped)
        redelivery_living(stored->redelivery, question, living);
}

static void on_written(void *context, uint64_t question, size_t taken, bool is_gone)
{
    const struct stored_messages *stored = context;

    if (!stored->is_stopped)
        redelivery_batch_written(stored->redelivery, question, taken, is_gone);
}

static struct shards_asker asker_of(struct stored_messages *stored)
{
    return (struct shards_asker){on_counted, on_written, stored};
}

static void count(void *context, uint64_t question, const struct qos_recipient *recipient,
                  uint64_t position, uint64_t instance)
{
    struct stored_messages *stored = context;
    const struct shards_asker asker = asker_of(stored);

    shards_count_living(stored->service, &asker, question,
                        &(struct broker_count){*recipient, position, instance});
}

/* Whether somebody may have had the copy before: what an earlier life has written it may not have
 * told the store. */
static bool was_written(const struct stored_messages *stored, const struct qos_copy *copy)
{
    return copy->written > 0 || stored->first_number == 0 ||
           copy->message->number < stored->first_number;
}

static struct broker_line line_of(const struct stored_messages *stored, const struct qos_copy *copy)
{
    return (struct broker_line){
        .id = copy->message->id,
        .event = copy->decoded->event,
        .wire = sse_message_resend_wire(copy->decoded),
        .is_new = !was_written(stored, copy),
    };
}

static void write_one(void *context, uint64_t question, const struct consumer *client,
                      const struct qos_copy *copies, size_t count)
{
    struct stored_messages *stored = context;
    const struct shards_asker asker = asker_of(stored);
    struct broker_line *lines = mem_alloc(count * sizeof(lines[0]));

    for (size_t i = 0; i < count; i++)
        lines[i] = line_of(stored, &copies[i]);
    shards_write(stored->service, &asker, question, client, lines, count);
    free(lines);
}

/* ---- of the publisher: a copy by itself ---- */

struct sending {
    struct stored_messages *stored;
    struct redelivery_write write;
    uint64_t number;
    struct qos_recipient *recipient;
    struct loop_task task;
    uint32_t reached, acknowledging;
};

/* Not from within the write, which redelivery is still at. */
static void tell_one_later(struct loop_task *task)
{
    struct sending *sending = container_of(task, struct sending, task);

    if (!sending->stored->is_stopped)
        redelivery_reached(sending->stored->redelivery, sending->number, sending->recipient,
                           sending->reached, sending->acknowledging);
    redelivery_write_end(sending->stored->redelivery, &sending->write);
    free(sending->recipient);
    free(sending);
}

static bool end_one(struct publication *publication)
{
    struct sending *sending = publication->context;

    sending->reached = publication_results(publication)[0].reached[0];
    sending->acknowledging = publication_results(publication)[0].acknowledging[0];
    sending->task.run = tell_one_later;
    loop_defer(sending->stored->service->core->loop, &sending->task);
    return true;
}

static void on_appended(struct publication *publication)
{
    struct sending *sending = publication->context;

    sending->write.position = publication->after + 1;
}

static uint64_t write_all(void *context, const struct qos_copy *copy)
{
    struct stored_messages *stored = context;
    struct broker_batch *batch = broker_batch_new(1);
    struct publication *publication;
    struct sending *sending = mem_zalloc(sizeof(*sending));
    uint64_t write;

    batch->items[0].message = sse_message_ref(copy->decoded);
    batch->items[0].message->was_written = was_written(stored, copy);
    batch->items[0].wants_reached = true;
    sending->stored = stored;
    sending->number = copy->message->number;
    redelivery_write_begin(stored->redelivery, &sending->write);
    sending->recipient = qos_recipient_copy(&copy->recipient);
    publication = publication_new_own(&stored->service->publisher, batch);
    publication->context = sending;
    publication->on_appended = on_appended;
    publication->end = end_one;
    write = sending->write.id;
    publication_advance(publication, NULL, 0);
    return write;
}

const struct redelivery_ops stored_redelivery_ops = {
    .read = read_queue,
    .check_liveness = count,
    .write_one = write_one,
    .write_all = write_all,
    .position = position_of,
    .mark = mark_copy,
};
