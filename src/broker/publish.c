/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/publish.h"

#include <errno.h>
#include <stdlib.h>

#include "base/loop.h"
#include "base/mem.h"
#include "broker/directory.h"
#include "broker/tracing.h"
#include "sse/history.h"
#include "sse/log.h"
#include "sse/service.h"

/* ---- how far shards are behind ---- */

void lag_init(struct lag *lag, struct broker *broker, struct sse_service *core)
{
    *lag = (struct lag){.broker = broker, .core = core};
    lag->end = &lag->waiting;
}

static struct broker_message *take_first(struct lag *lag)
{
    struct broker_message *message = container_of(lag->waiting, struct broker_message, item);

    lag->waiting = message->item.next;
    if (!lag->waiting)
        lag->end = &lag->waiting;
    lag->waiting_bytes -= broker_batch_bytes(message->publish.batch);
    return message;
}

void lag_release(struct lag *lag)
{
    while (lag->waiting)
        broker_message_free(take_first(lag));
}

static bool is_too_much(const struct lag *lag, size_t shard)
{
    return lag->appending + sse_log_unwritten(lag->core->log, shard) > lag->core->settings->log_lag;
}

/* It is looked at again when the shard knows that it is waited for: else it might never say so. */
static bool is_behind(const struct lag *lag, size_t shard)
{
    if (!is_too_much(lag, shard))
        return false;
    sse_log_await(lag->core->log, shard);
    return is_too_much(lag, shard);
}

static bool is_any_behind(const struct lag *lag)
{
    for (size_t i = 0; i < broker_workers(lag->broker); i++) {
        if (is_behind(lag, i))
            return true;
    }
    return false;
}

static bool may_be_refused(const struct broker_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->items[i].command)
            return false;
    }
    return true;
}

static void refuse(struct lag *lag, const struct broker_message *publish)
{
    const struct broker_asker asker = broker_asker(publish);
    struct broker_message *answer = broker_message_of_results(BROKER_PUBLISHED, publish->service,
                                                              publish->publish.batch->count);

    lag->refused++;
    answer->results.status = -ENOBUFS;
    broker_answer(lag->broker, &asker, answer);
}

static void await(struct lag *lag, const struct broker_message *publish, size_t bytes)
{
    struct broker_message *message = broker_message_keep(publish);

    message->item.next = NULL;
    *lag->end = &message->item;
    lag->end = &message->item.next;
    lag->waiting_bytes += bytes;
}

/* Nothing of it is written to a page, so it may come before messages that are. */
static bool revokes_only(const struct broker_batch *batch)
{
    return batch->count == 1 && batch->items[0].command &&
           batch->items[0].command->kind == SSE_RECORD_REVOCATION;
}

bool lag_admit(struct lag *lag, const struct broker_message *publish)
{
    const struct broker_batch *batch = publish->publish.batch;
    const size_t bytes = broker_batch_bytes(batch);

    if (revokes_only(batch) || (!lag->waiting && !is_any_behind(lag)))
        return true;
    if (lag->waiting_bytes + bytes > lag->core->settings->log_lag && may_be_refused(batch))
        refuse(lag, publish);
    else
        await(lag, publish, bytes);
    return false;
}

struct broker_message *lag_take(struct lag *lag)
{
    if (!lag->waiting || is_any_behind(lag))
        return NULL;
    return take_first(lag);
}

/* ---- publishing ---- */

void publisher_init(struct publisher *publisher, struct broker *broker, size_t index,
                    struct sse_service *core, const struct directory *directory, struct lag *lag)
{
    *publisher = (struct publisher){
        .broker = broker, .index = index, .core = core, .directory = directory, .lag = lag};
}

struct publication *publication_new_own(struct publisher *publisher, struct broker_batch *batch)
{
    struct publication *publication = mem_zalloc(sizeof(*publication));

    publication->publisher = publisher;
    publication->batch = batch;
    return publication;
}

struct publication *publication_new(struct publisher *publisher,
                                    const struct broker_message *message)
{
    const struct broker_publish *publish = &message->publish;
    struct publication *publication =
        publication_new_own(publisher, broker_batch_ref(publish->batch));

    publication->asker = broker_asker(message);
    publication->is_asked = true;
    publication->session = publish->session;
    return publication;
}

static struct broker_message *answer_of(struct publication *publication)
{
    if (!publication->answer)
        publication->answer = broker_message_of_results(
            BROKER_PUBLISHED, publication->publisher->index, publication->batch->count);
    return publication->answer;
}

struct broker_result *publication_results(struct publication *publication)
{
    return answer_of(publication)->results.items;
}

static void publication_free(struct publication *publication)
{
    broker_batch_unref(publication->round);
    broker_batch_unref(publication->batch);
    free(publication);
}

void publication_finish(struct publication *publication)
{
    if (publication->is_asked)
        broker_answer(publication->publisher->broker, &publication->asker, answer_of(publication));
    else if (publication->answer)
        broker_message_free(publication->answer);
    publication_free(publication);
}

void publication_fail(struct publication *publication, int status, size_t at)
{
    answer_of(publication)->results.status = status;
    answer_of(publication)->results.at = at;
    publication_finish(publication);
}

/* ---- a round ---- */

static void end_round(struct publication *publication)
{
    if (!publication->end || publication->end(publication))
        publication_finish(publication);
}

/* Its records are the items that are not held. */
static void on_delivered(struct broker_request *request, const struct broker_message *answer)
{
    struct publication *publication = container_of(request, struct publication, request);
    const struct broker_batch *round = publication->round;
    const struct broker_result *delivered = answer->results.items;

    for (size_t i = 0; i < round->count; i++) {
        if (!round->items[i].is_held)
            broker_result_add(&publication_results(publication)[publication->first + i],
                              &round->items[i], delivered++);
    }
    if (request->open == 0)
        end_round(publication);
}

/* A round in the log, and the shards that have somebody for it. */
struct advancing {
    const struct publication *publication;
    struct broker_advance advance;
    struct shard_set shards;
};

static struct broker_message *make_advance(void *context, size_t worker)
{
    const struct advancing *advancing = context;
    struct broker_message *message;

    if (!shard_set_has(&advancing->shards, worker))
        return NULL;
    sse_log_tell(advancing->publication->publisher->core->log, worker);
    message = broker_message_new(BROKER_ADVANCE, advancing->publication->publisher->index, 0);
    message->advance = advancing->advance;
    return message;
}

static struct sse_log_record record_of(const struct broker_item *item)
{
    struct sse_log_record record = {.wants_reached = item->wants_reached,
                                    .shown_most = item->shown_most};

    if (item->message) {
        record.message = item->message;
    } else {
        record.command = item->command;
        record.kind = (uint8_t)item->command->kind;
    }
    return record;
}

static void append_round(struct publication *publication)
{
    struct sse_service *core = publication->publisher->core;
    const struct broker_batch *round = publication->round;

    publication->after = sse_log_last(core->log);
    for (size_t i = 0; i < round->count; i++) {
        const struct sse_log_record record = record_of(&round->items[i]);

        if (!round->items[i].is_held)
            core->position = sse_history_add(core->history, &record, loop_now_ms(core->loop));
    }
    if (publication->on_appended)
        publication->on_appended(publication);
}

/* Who is sent away may have ended a moment ago (sse/ended.h): nobody knows where. What is revoked
 * all have to know. */
static void find_shards_of(struct advancing *advancing, const struct broker_item *item,
                           uint64_t position)
{
    const struct publication *publication = advancing->publication;
    const struct publisher *publisher = publication->publisher;
    struct shard_set shards = {{0}};

    if (item->message || item->command->kind == SSE_RECORD_DURATION)
        directory_find(publisher->directory, publisher->broker, broker_item_target(item), &shards);
    else
        for (size_t j = 0; j < broker_workers(publisher->broker); j++)
            shard_set_add(&shards, j);
    if (publisher->tracing && item->message)
        tracing_sent(publisher->tracing, item, publication->batch->by, position,
                     shard_set_count(&shards));
    shard_set_unite(&advancing->shards, &shards);
}

static void find_shards(struct advancing *advancing)
{
    const struct publisher *publisher = advancing->publication->publisher;
    const struct broker_batch *round = advancing->publication->round;
    struct broker_advance *advance = &advancing->advance;

    for (size_t i = 0; i < round->count; i++) {
        if (!round->items[i].is_held)
            find_shards_of(advancing, &round->items[i], advance->after + ++advance->count);
    }
    if (shard_set_is_empty(&advancing->shards)) /* somebody has to answer */
        shard_set_add(&advancing->shards, broker_worker(publisher->broker));
}

/* Where nobody here has to know whom it has reached the shards tell it who has asked. */
static void write_round(struct publication *publication)
{
    struct broker *broker = publication->publisher->broker;
    struct sse_log *log = publication->publisher->core->log;
    struct advancing advancing = {.publication = publication};

    sse_log_hold(log);
    append_round(publication);
    advancing.advance.after = publication->after;
    advancing.advance.began_ns = publication->round->began_ns;
    find_shards(&advancing);
    if (publication->is_asked && !publication->end) {
        (void)broker_ask_for(broker, &publication->asker, make_advance, &advancing);
        publication_free(publication);
    } else {
        publication->request.on_answer = on_delivered;
        broker_ask_all(broker, make_advance, &advancing, &publication->request);
    }
    sse_log_release(log);
}

void publication_advance(struct publication *publication, struct broker_batch *round, size_t first)
{
    broker_batch_unref(publication->round);
    publication->round = round ? round : broker_batch_ref(publication->batch);
    publication->first = first;
    write_round(publication);
}
