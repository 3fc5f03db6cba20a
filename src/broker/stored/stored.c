/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/stored/stored.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "broker/redelivery/redelivery.h"
#include "broker/service.h"
#include "broker/stored/state.h"
#include "outbound/posts.h"
#include "qos/copies.h"
#include "sse/history.h"
#include "sse/log.h"
#include "sse/message.h"
#include "sse/service.h"

/* ---- what all threads know ---- */

void stored_shared_init(struct stored_shared *shared, const char *service, bool is_in_memory)
{
    atomic_init(&shared->copies, 1);
    shared->service = mem_strdup(service);
    shared->is_in_memory = is_in_memory;
    pthread_mutex_init(&shared->lock, NULL);
    shared->engine = NULL;
}

void stored_shared_release(struct stored_shared *shared)
{
    free(shared->service);
    pthread_mutex_destroy(&shared->lock);
}

/* By the owner, before it frees the engine: NULL. */
static void set_engine(struct stored_shared *shared, struct engine *engine)
{
    pthread_mutex_lock(&shared->lock);
    shared->engine = engine;
    pthread_mutex_unlock(&shared->lock);
}

int stored_shared_back_up(struct stored_shared *shared, struct qos_backup *backup)
{
    int result = -ESHUTDOWN;

    pthread_mutex_lock(&shared->lock);
    if (shared->engine)
        result = shared->engine->ops->back_up(shared->engine, backup);
    pthread_mutex_unlock(&shared->lock);
    return result;
}

/* ---- what has ended ---- */

/* The store hears of it now and then; redelivery forgets it with the copy. */
static uint32_t written_of(const struct stored_messages *stored, const struct qos_copy *copy)
{
    const uint32_t written =
        redelivery_written(stored->redelivery, copy->message->number, &copy->recipient);

    return written > copy->written ? written : copy->written;
}

/* All workers share the message: pages that come back get from the history what has ended. */
static void tell_history(const struct sse_service *core, const struct qos_copy *copy)
{
    struct sse_message *message =
        sse_log_at(core->log, sse_history_position(core->history, copy->message->id));

    if (message)
        sse_message_end(message, copy->recipient.value);
}

void stored_end(struct stored_messages *stored, const struct qos_copy *ended)
{
    struct qos_copy copy = *ended;

    copy.written = written_of(stored, &copy);
    stored->counters.ended[copy.state]++;
    if (copy.state != QOS_UNREADABLE) /* that in memory can be read */
        tell_history(stored->service->core, &copy);
    tracing_ended(&stored->service->tracing, &copy);
    receipts_tell(stored, &copy);
    redelivery_end(stored->redelivery, copy.message->number, &copy.recipient, copy.state);
}

void stored_publish(struct stored_messages *stored)
{
    const struct qos_store_report store = broker_service_report(stored->service).store;

    atomic_store_explicit(&stored->shared->copies, store.is_open ? store.totals.copies : 1,
                          memory_order_release);
}

void stored_ended(struct stored_messages *stored, int status, const struct qos_copies *copies)
{
    for (size_t i = 0; status == 0 && i < copies->count; i++)
        stored_end(stored, &copies->items[i]);
    stored_publish(stored);
}

void stored_count_written(const struct stored_messages *stored, struct qos_copies *copies)
{
    for (size_t i = 0; i < copies->count; i++)
        copies->items[i].written = written_of(stored, &copies->items[i]);
}

/* ---- what the engine says ---- */

static void on_swept(void *context, int status, const struct qos_copies *ended)
{
    struct stored_messages *stored = ((const struct broker_service *)context)->stored;

    if (stored->is_stopped)
        return;
    stored_ended(stored, status, ended);
    if (status == 0)
        joins_retry(stored);
}

static void on_owned(void *context, const struct qos_recipient *recipient, bool is_owned_here)
{
    const struct stored_messages *stored = ((const struct broker_service *)context)->stored;

    if (!stored->is_stopped)
        redelivery_own(stored->redelivery, recipient, is_owned_here);
}

/* ---- its life ---- */

static void open_engine(struct stored_messages *stored, engine_maker make_engine)
{
    const struct sse_service *core = stored->service->core;
    const struct engine_settings settings = {
        .service = stored->name,
        .is_in_memory = stored->settings->is_in_memory,
        .file = stored->settings->file,
        .patience_ms = stored->settings->waiting_ms,
        .has_tenants_keys = core->settings->users_unique == SSE_UNIQUE_IN_TENANT,
        .remember_ms = &stored->remember_ms,
        .remembered = &stored->remembered,
    };
    const struct engine_events events = {.swept = on_swept, .owned = on_owned};

    broker_service_open_engine(stored->service, make_engine, &settings, &events);
    stored->engine = stored->service->engine;
}

static void take_settings(struct stored_messages *stored, const struct stored_settings *settings)
{
    stored->settings = settings;
    stored->redelivery_settings = settings->redelivery;
    stored->remember_ms = settings->remember_ms;
    stored->remembered = settings->remembered;
}

struct stored_messages *stored_new(struct broker_service *service,
                                   const struct stored_settings *settings,
                                   const struct stored_place *place)
{
    struct loop *loop = service->core->loop;
    struct stored_messages *stored;

    if (broker_service_owner(service) != broker_worker(service->broker))
        return NULL;
    stored = mem_zalloc(sizeof(*stored));
    stored->service = service;
    stored->shared = place->shared;
    stored->draining = place->draining;
    stored->name = mem_strdup(service->core->settings->name);
    take_settings(stored, settings);
    chores_init(&stored->chores, loop);
    stored->joins = joins_new();
    list_init(&stored->senders);
    stored->redelivery =
        redelivery_new(loop, &stored->redelivery_settings, &stored_redelivery_ops, stored);
    receipts_open(stored, place->outbound);
    open_engine(stored, place->make_engine);
    set_engine(stored->shared, stored->engine);
    if (place->wants_revocations)
        requests_restore(stored);
    return stored;
}

void stored_free(struct stored_messages *stored)
{
    if (!stored)
        return;
    stored->is_stopped = stored->is_ending = true;
    chores_release(&stored->chores);
    set_engine(stored->shared, NULL);
    broker_service_close_engine(stored->service);
    loop_timer_stop(&stored->restoration);
    joins_free(stored->joins);
    redelivery_free(stored->redelivery);
    receipts_close(stored);
    free(stored->name);
    free(stored);
}

void stored_receive(struct stored_messages *stored, const struct broker_message *message)
{
    switch (message->kind) {
    case BROKER_PUBLISH:
        storing_receive(stored, message);
        break;
    case BROKER_JOIN_QUEUES:
        joins_join(stored, message);
        break;
    case BROKER_LEAVE_QUEUES:
        joins_leave(stored, message);
        break;
    default:
        requests_receive(stored, message);
    }
}

void stored_change(struct stored_messages *stored, const struct stored_settings *settings)
{
    if (!stored)
        return;
    take_settings(stored, settings);
    receipts_change(stored);
}

void stored_hurry(const struct stored_messages *stored)
{
    if (stored)
        post_queue_hurry(posts_queue(stored->receipts));
}

void stored_abandon(struct stored_messages *stored)
{
    if (!stored)
        return;
    stored->is_stopped = true;
    stored->engine->ops->abandon(stored->engine);
}

bool stored_is_settled(const struct stored_messages *stored)
{
    return !stored || stored->is_stopped || post_queue_count(posts_queue(stored->receipts)) == 0;
}

void stored_look(const struct stored_messages *stored, const struct qos_recipient *recipient,
                 uint32_t *in_flight, uint32_t *window)
{
    if (!stored)
        return;
    *in_flight = redelivery_in_flight(stored->redelivery, recipient);
    *window = stored->redelivery_settings.window;
}

void stored_report(const struct stored_messages *stored, struct stored_report *report)
{
    *report = (struct stored_report){.joining = 0};
    if (!stored)
        return;
    report->counters = stored->counters;
    report->receipts = *post_queue_counters(posts_queue(stored->receipts));
    report->receipts_waiting = post_queue_count(posts_queue(stored->receipts));
    report->waiting_bytes = stored->waiting_bytes;
    report->joining = joins_count(stored->joins);
    report->messages_most = stored->settings->messages;
    report->bytes_most = stored->settings->bytes;
    report->store = broker_service_report(stored->service).store;
    redelivery_report(stored->redelivery, &report->redelivery);
}
