/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/service.h"

#include <stdlib.h>
#include <string.h>

#include "base/loop.h"
#include "base/mem.h"
#include "broker/engine.h"
#include "sse/service.h"

static struct engine_limits limits_of(const struct broker_service *service)
{
    const struct broker_settings *settings = &service->settings;
    struct engine_limits limits = {.client_connections = settings->client_connections,
                                   .offline_grace_ms = service->core->settings->offline_grace_ms,
                                   .idempotency = settings->idempotency};

    memcpy(limits.slots, settings->limits.slots, sizeof(limits.slots));
    return limits;
}

static void on_evicted(void *context, const char *handle)
{
    const struct broker_service *service = context;
    struct broker_message *message = broker_message_new(BROKER_EVICT, service->index, 0);

    memcpy(message->handle, handle, sizeof(message->handle));
    broker_send(service->broker, broker_shard_of(service->broker, handle), message);
}

static void on_user(void *context, bool is_online, const char *user_key, struct bytes *about)
{
    struct broker_service *service = context;

    online_users_tell(&service->online, is_online, user_key, about);
}

static void on_appended(void *context, struct broker_batch *round)
{
    struct broker_service *service = context;

    publication_advance(publication_new_own(&service->publisher, round), NULL, 0);
}

void broker_service_open_engine(struct broker_service *service, engine_maker make,
                                const struct engine_settings *settings,
                                const struct engine_events *events)
{
    struct engine_settings own = *settings;
    struct engine_events all = *events;

    own.limits = limits_of(service);
    all.context = service;
    all.evicted = on_evicted;
    all.user = on_user;
    all.appended = on_appended;
    service->engine = make(service->core->loop, &own, &all);
    online_users_use(&service->online, service->engine);
}

void broker_service_close_engine(struct broker_service *service)
{
    online_users_use(&service->online, NULL);
    service->engine->ops->free(service->engine);
    service->engine = NULL;
}

struct engine_report broker_service_report(const struct broker_service *service)
{
    struct engine_report report = {.clients = 0};

    if (service->engine)
        service->engine->ops->report(service->engine, &report);
    return report;
}

static struct trace_bounds trace_bounds_for(const struct broker_service *service)
{
    return trace_bounds_of(service->settings.trace.bytes, broker_workers(service->broker),
                           broker_service_owner(service) == broker_worker(service->broker));
}

void broker_service_init(struct broker_service *service, struct broker *broker, size_t index,
                         struct sse_service *core, const struct broker_settings *settings)
{
    struct trace_bounds bounds;

    *service = (struct broker_service){
        .broker = broker, .index = index, .core = core, .settings = *settings};
    limits_init(&service->limits, core->loop, &settings->limits, settings->shared);
    bounds = trace_bounds_for(service);
    tracing_init(&service->tracing, core, broker_worker(broker), &bounds);
    list_init(&service->readers);
    call_orders_init(&service->call_orders, core);
    if (broker_service_owner(service) == broker_worker(broker))
        sse_service_own(core);
    group_teller_init(&service->groups, broker, index, core);
    directory_init(&service->directory);
    lag_init(&service->lag, broker, core);
    publisher_init(&service->publisher, broker, index, core, &service->directory, &service->lag);
    service->publisher.tracing = &service->tracing;
    service->is_recording = settings->presence.is_always;
    presence_log_init(&service->presence_log, broker, index, core->loop, &settings->presence);
    online_users_init(&service->online, core, &service->presence_log);
}

void broker_service_change(struct broker_service *service, const struct broker_settings *settings)
{
    struct engine_limits limits;
    struct trace_bounds bounds;

    service->settings = *settings;
    bounds = trace_bounds_for(service);
    limits_change(&service->limits, &settings->limits);
    tracing_change(&service->tracing, &bounds);
    limits = limits_of(service);
    if (service->engine)
        service->engine->ops->change(service->engine, &limits);
    if (broker_service_owner(service) == broker_worker(service->broker))
        presence_log_change(&service->presence_log, &settings->presence);
}

void broker_service_release(struct broker_service *service)
{
    broker_set_receiver(service->broker, service->index, &(struct broker_receiver){NULL, NULL});
    limits_release(&service->limits);
    tracing_release(&service->tracing);
    group_teller_release(&service->groups);
    directory_release(&service->directory);
    lag_release(&service->lag);
    call_orders_release(&service->call_orders);
    online_users_release(&service->online);
    presence_log_release(&service->presence_log);
}

size_t broker_service_owner(const struct broker_service *service)
{
    return broker_owner(service->broker, service->index);
}

bool broker_service_is_draining(const struct broker_service *service)
{
    return atomic_load_explicit(service->settings.draining, memory_order_relaxed);
}

void broker_tell_owner(const struct broker_service *service, struct broker_message *message)
{
    broker_send(service->broker, broker_service_owner(service), message);
}

void broker_ask_owner(const struct broker_service *service, struct broker_message *message,
                      struct broker_request *request)
{
    broker_ask(service->broker, broker_service_owner(service), message, request);
}

struct later {
    struct loop_task task;
    struct broker *broker;
    struct broker_asker asker;
    struct broker_message *answer;
};

static void run_later(struct loop_task *task)
{
    struct later *later = container_of(task, struct later, task);

    broker_answer(later->broker, &later->asker, later->answer);
    free(later);
}

void broker_answer_later(const struct broker_service *service, const struct broker_asker *asker,
                         struct broker_message *answer)
{
    struct later *later;

    if (asker->worker != broker_worker(service->broker)) {
        broker_answer(service->broker, asker, answer);
        return;
    }
    later = mem_zalloc(sizeof(*later));
    later->task.run = run_later;
    later->broker = service->broker;
    later->asker = *asker;
    later->answer = answer;
    loop_defer(service->core->loop, &later->task);
}
