/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/trace_query.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/slices.h"
#include "broker/message.h"
#include "broker/service.h"
#include "sse/service.h"

/* ---- a shard ---- */

/* Copies of the latest records of a class that pass. */
struct found {
    struct buf records;
    size_t count;
};

/* A question that is being answered: a chunk at a time, one class after the other. */
struct work {
    struct slices slices;
    const struct broker_service *service;
    struct broker_message *question, *answer;
    struct trace_mark mark;
    unsigned class;
    struct found found[TRACE_CLASSES];
};

static const struct trace_record *record_in(const struct buf *records, size_t at)
{
    return (const struct trace_record *)(const void *)(records->data + at);
}

/* Not each time that there is one too many: twice as many as are wanted may be there. */
static void drop_oldest(struct found *found, size_t most)
{
    size_t at = 0;

    for (; found->count > most; found->count--)
        at += record_in(&found->records, at)->size;
    buf_consume(&found->records, at);
}

static void take(struct work *work, const struct trace_record *record)
{
    const struct broker_inspect *inspect = work->question->inspect;
    struct broker_inspected *answer = &work->answer->inspected;
    struct found *found = &work->found[work->class];

    answer->passed++;
    if (inspect->kind == TRACE_ASK_SINCE && found->records.length + record->size > inspect->most) {
        answer->lost++;
        return;
    }
    buf_append(&found->records, record, record->size);
    found->count++;
    if (inspect->kind == TRACE_ASK_PAST && found->count > 2 * inspect->most)
        drop_oldest(found, inspect->most);
}

/* A chunk, or what has come into it meanwhile. */
static bool look_on(struct slices *slices)
{
    struct work *work = container_of(slices, struct work, slices);
    const struct trace_filter *filter = &work->question->inspect->filter;
    const struct trace_record *record, *end;
    uint64_t lost = 0;

    if (!trace_read(&work->service->tracing.trace, (enum trace_class)work->class,
                    &work->mark.places[work->class], &record, &end, &lost))
        return ++work->class < TRACE_CLASSES;
    if (work->question->inspect->kind == TRACE_ASK_SINCE)
        work->answer->inspected.lost += lost;
    for (; record < end; record = trace_next(record)) {
        if (trace_filter_passes(filter, record))
            take(work, record);
    }
    return true;
}

/* ---- a shard: the order of time ---- */

/* What comes first of several lists, each of which is in order. SIZE_MAX: they are at their ends.
 */
static size_t earliest(const struct buf *const *lists, const size_t *at, size_t count)
{
    size_t first = SIZE_MAX;

    for (size_t i = 0; i < count; i++) {
        if (at[i] == lists[i]->length)
            continue;
        if (first == SIZE_MAX ||
            record_in(lists[i], at[i])->ns < record_in(lists[first], at[first])->ns)
            first = i;
    }
    return first;
}

static struct bytes *merge(struct work *work)
{
    const struct buf *lists[TRACE_CLASSES];
    size_t at[TRACE_CLASSES] = {0};
    struct buf all = BUF_INIT;
    size_t next;

    for (size_t i = 0; i < TRACE_CLASSES; i++)
        lists[i] = &work->found[i].records;
    while ((next = earliest(lists, at, TRACE_CLASSES)) != SIZE_MAX) {
        const struct trace_record *record = record_in(lists[next], at[next]);

        buf_append(&all, record, record->size);
        at[next] += record->size;
    }
    return buf_freeze(&all);
}

static void answer(struct slices *slices)
{
    struct work *work = container_of(slices, struct work, slices);
    const struct broker_asker asker = broker_asker(work->question);
    const struct broker_inspect *inspect = work->question->inspect;

    for (size_t i = 0; inspect->kind == TRACE_ASK_PAST && i < TRACE_CLASSES; i++)
        drop_oldest(&work->found[i], inspect->most);
    work->answer->inspected.records = merge(work);
    work->answer->inspected.mark = work->mark;
    for (size_t i = 0; i < TRACE_CLASSES; i++)
        buf_release(&work->found[i].records);
    broker_answer(work->service->broker, &asker, work->answer);
    broker_message_free(work->question);
    free(work);
}

static bool find_end(struct slices *slices)
{
    struct work *work = container_of(slices, struct work, slices);

    for (unsigned i = 0; i < TRACE_CLASSES; i++)
        work->mark.places[i] =
            trace_place_of_end(&work->service->tracing.trace, (enum trace_class)i);
    return false;
}

void trace_query_receive(struct broker_service *service, const struct broker_message *question)
{
    struct work *work = mem_zalloc(sizeof(*work));

    work->service = service;
    work->question = broker_message_keep(question);
    work->answer = broker_message_new(BROKER_INSPECTED, service->index, 0);
    work->mark = question->inspect->mark;
    work->slices.has_long_steps = true;
    work->slices.step = question->inspect->kind == TRACE_ASK_END ? find_end : look_on;
    work->slices.done = answer;
    slices_start(service->core->loop, &work->slices);
}

/* ---- the asking side ---- */

static size_t count_records(const struct bytes *records)
{
    size_t count = 0;

    for (size_t at = 0; at < records->length; count++)
        at += ((const struct trace_record *)(const void *)(records->data + at))->size;
    return count;
}

/* The records of one worker, and which of them is next, from the end. */
struct column {
    const struct trace_record **records;
    size_t left;
};

static void fill(struct column *column, const struct bytes *records)
{
    column->records = mem_alloc((count_records(records) + 1) * sizeof(struct trace_record *));
    for (size_t at = 0; at < records->length;) {
        const void *record = records->data + at;

        column->records[column->left] = record;
        at += column->records[column->left++]->size;
    }
}

/* The column whose next record is the latest; NULL: none is left. */
static struct column *latest(struct column *columns, size_t count)
{
    struct column *found = NULL;

    for (size_t i = 0; i < count; i++) {
        struct column *column = &columns[i];

        if (column->left > 0 &&
            (!found || column->records[column->left - 1]->ns > found->records[found->left - 1]->ns))
            found = column;
    }
    return found;
}

static void sort(struct trace_asking *asking)
{
    struct column *columns = mem_zalloc(asking->answer_count * sizeof(columns[0]));
    size_t all = 0, first;

    for (size_t i = 0; i < asking->answer_count; i++) {
        fill(&columns[i], asking->answers[i]->inspected.records);
        all += columns[i].left;
    }
    if (asking->kind == TRACE_ASK_PAST && all > asking->most)
        all = asking->most;
    asking->records = mem_alloc((all + 1) * sizeof(struct trace_record *));
    asking->count = all;
    for (first = all; first > 0; first--) {
        struct column *column = latest(columns, asking->answer_count);

        asking->records[first - 1] = column->records[--column->left];
    }
    for (size_t i = 0; i < asking->answer_count; i++)
        free(columns[i].records);
    free(columns);
}

/* done may free the asking. */
static void finish(struct trace_asking *asking)
{
    struct broker_message **answers = asking->answers;
    const size_t count = asking->answer_count;
    const struct trace_record **records;

    sort(asking);
    records = asking->records;
    asking->done(asking);
    free(records);
    for (size_t i = 0; i < count; i++)
        broker_message_free(answers[i]);
    free(answers);
}

static void on_inspected(struct broker_request *request, const struct broker_message *message)
{
    struct trace_asking *asking = container_of(request, struct trace_asking, request);

    asking->passed += message->inspected.passed;
    asking->lost += message->inspected.lost;
    if (asking->marks)
        asking->marks[message->from] = message->inspected.mark;
    asking->answers[asking->answer_count++] = broker_message_keep(message);
    if (request->open == 0)
        finish(asking);
}

static struct broker_message *make(void *context, size_t worker)
{
    const struct trace_asking *asking = context;
    const size_t room =
        broker_block_size(sizeof(struct broker_inspect)) + trace_filter_size(&asking->filter);
    struct broker_message *message =
        broker_message_new(BROKER_INSPECT, asking->service->index, room);
    struct broker_inspect *inspect = broker_message_block(message, sizeof(struct broker_inspect));

    inspect->kind = asking->kind;
    inspect->filter = trace_filter_copy(&asking->filter, message);
    inspect->most = asking->most;
    if (asking->marks)
        inspect->mark = asking->marks[worker];
    message->inspect = inspect;
    return message;
}

void trace_asking_start(struct trace_asking *asking, const struct broker_service *service)
{
    asking->service = service;
    asking->passed = asking->lost = 0;
    asking->answer_count = 0;
    asking->answers = mem_alloc(broker_workers(service->broker) * sizeof(struct broker_message *));
    asking->request.on_answer = on_inspected;
    broker_ask_all(service->broker, make, asking, &asking->request);
}
