/* SPDX-License-Identifier: Apache-2.0 */
#include "server/metrics.h"

#include <stdlib.h>
#include <string.h>

#include "api/worker.h"
#include "base/buf.h"
#include "base/loop.h"
#include "base/mem.h"
#include "broker/broker.h"
#include "broker/notifications.h"
#include "broker/stored/stored.h"
#include "h2/session.h"
#include "server/settings.h"
#include "server/worker_auths.h"
#include "sse/ended.h"
#include "sse/presence.h"
#include "sse/registry.h"
#include "sse/service.h"
#include "upload/quota.h"

/* What BROKER_SAMPLED has of a worker. */
struct sample {
    struct metrics_worker worker;
    struct metrics_service services[];
};

struct gathering {
    struct broker_request request;
    struct metrics_parts parts;
    uint64_t shown; /* services */
    void (*done)(void *context, struct buf *text);
    void *context;
    struct metrics_worker *workers;
    struct metrics_service *services; /* of worker 0, then of worker 1, … */
};

static void sample_notifications(const struct notifications *notifications,
                                 struct metrics_service *sample)
{
    const struct post_queue *queue;

    if (!notifications)
        return;
    queue = notifications_queue(notifications);
    sample->notifications = *post_queue_counters(queue);
    sample->notifications_waiting = post_queue_count(queue);
    sample->notification_bytes = post_queue_bytes(queue);
    sample->notification_age_ms = post_queue_age_ms(queue);
}

static void sample_trace(const struct api_service *service, struct metrics_service *sample)
{
    const struct tracing *tracing = &service->broker.tracing;

    for (size_t i = 0; i < TRACE_CLASSES; i++) {
        sample->trace_records += tracing->trace.recorded[i];
        sample->trace_overwritten += tracing->trace.overwritten[i];
    }
    sample->trace_suppressed = tracing->suppressed;
    sample->trace_bytes = tracing->trace.used;
    sample->trace_watchers = service->trace_watches;
    sample->trace_lost = service->trace_lost;
}

static void sample_service(const struct api_service *service, struct metrics_service *sample)
{
    const struct sse_registry *registry = service->broker.core->registry;
    const struct presence_log *presence = &service->broker.presence_log;
    const struct engine_report counted = broker_service_report(&service->broker);

    *sample = (struct metrics_service){
        .counters = service->broker.core->counters,
        .auth = auth_count(service->auth),
        .connections = sse_registry_all(registry)->count,
        .ended = sse_ended_count(service->broker.core->ended),
        .ended_displaced = sse_ended_displaced(service->broker.core->ended),
        .users = sse_registry_group_count(registry, SSE_GROUP_USER),
        .channels = sse_registry_group_count(registry, SSE_GROUP_CHANNEL),
        .channels_refused = service->channels_refused,
        .clients = counted.clients,
        .users_online = sse_presence_online(service->broker.online.presence),
        .presence_events = presence->added,
        .presence_history_bytes = presence->history.bytes,
        .presence_gaps = presence->gaps,
        .presence_refused = presence->refused,
        .presence_watchers = service->broker.reader_count,
        .keys_kept = counted.keys,
        .keys_replayed = counted.keys_replayed,
        .keys_displaced = counted.keys_evicted,
        .calls_waiting = service->broker.call_orders.waiting,
        .calls_refused = service->broker.call_orders.refused,
        .log_waiting_bytes = service->broker.lag.waiting_bytes,
        .log_refused = service->broker.lag.refused,
        .call_gaps = service->broker.call_orders.gaps,
        .came_online = service->broker.online.came_online,
        .went_offline = service->broker.online.went_offline,
        .queued_bytes = service->broker.core->queued_bytes,
        .rates_kept =
            service->broker.limits.users.lru.count + service->broker.limits.addresses.lru.count,
        .rates_displaced =
            service->broker.limits.users.lru.evicted + service->broker.limits.addresses.lru.evicted,
    };
    if (service->broker.core->history) {
        sample->history_events = sse_history_count(service->broker.core->history);
        sample->history_bytes = sse_history_bytes(service->broker.core->history);
    }
    if (service->api->worker == 0)
        upload_quota_usage(service->settings->upload_quota, service->index, &sample->upload_bytes,
                           &sample->upload_files);
    sample_notifications(service->broker.notifications, sample);
    sample_trace(service, sample);
    stored_report(service->broker.stored, &sample->stored);
    sample->receipts_given_up =
        sample->stored.receipts.lost[POST_GIVEN_UP] + sample->stored.receipts.lost[POST_LAST];
    memcpy(sample->limited, service->limited, sizeof(sample->limited));
}

static void sample_worker(const struct metrics_parts *parts, struct metrics_worker *sample)
{
    const struct api *api = parts->api;
    struct h2_endpoint *endpoint = parts->endpoint;

    sample->lag = *loop_lag(api->loop);
    sample->turns = *loop_turns(api->loop);
    outbound_http_count(api->outbound, &sample->outbound);
    outbound_http_count(api->outbound_streams, &sample->outbound);
    worker_auths_count(parts->auths, &sample->outbound);
    sample->guard = api->guard;
    memcpy(sample->requests, api->request_times, sizeof(sample->requests));
    memcpy(sample->answers, api->answers, sizeof(sample->answers));
    sample->h2 = *h2_endpoint_counters(endpoint);
    sample->inbound_bytes = h2_endpoint_inbound_bytes(endpoint);
    sample->shares_frames = h2_endpoint_shares_frames(endpoint);
}

void metrics_receive(const struct metrics_parts *parts, const struct broker_message *question)
{
    const struct api *api = parts->api;
    const size_t count = api->settings->service_count;
    struct sample *sample = mem_zalloc(sizeof(*sample) + count * sizeof(sample->services[0]));
    struct broker_message *answer = broker_message_new(BROKER_SAMPLED, BROKER_NO_SERVICE, 0);
    const struct broker_asker asker = broker_asker(question);

    sample_worker(parts, &sample->worker);
    for (size_t i = 0; i < count; i++)
        sample_service(&api->services[i], &sample->services[i]);
    answer->sample = sample;
    broker_answer(api->broker, &asker, answer);
}

static void reply(struct gathering *gathering)
{
    const struct metrics_parts *parts = &gathering->parts;
    struct buf text = BUF_INIT;

    metrics_text(&text, parts, gathering->shown, broker_workers(parts->api->broker),
                 gathering->workers, gathering->services);
    gathering->done(gathering->context, &text);
    free(gathering->workers);
    free(gathering->services);
    free(gathering);
}

static void on_sample(struct broker_request *request, const struct broker_message *answer)
{
    struct gathering *gathering = container_of(request, struct gathering, request);
    const size_t count = (*gathering->parts.settings)->config.service_count;
    const struct sample *sample = answer->sample;

    gathering->workers[answer->from] = sample->worker;
    memcpy(&gathering->services[answer->from * count], sample->services,
           count * sizeof(sample->services[0]));
    if (request->open == 0)
        reply(gathering);
}

static struct broker_message *make(void *context, size_t worker)
{
    (void)context;
    (void)worker;
    return broker_message_new(BROKER_SAMPLE, BROKER_NO_SERVICE, 0);
}

void metrics_gather(const struct metrics_parts *parts, uint64_t services,
                    void (*done)(void *context, struct buf *text), void *context)
{
    struct broker *broker = parts->api->broker;
    const size_t workers = broker_workers(broker);
    const size_t samples = workers * (*parts->settings)->config.service_count + 1;
    struct gathering *gathering = mem_zalloc(sizeof(*gathering));

    *gathering = (struct gathering){
        .request.on_answer = on_sample,
        .parts = *parts,
        .shown = services,
        .done = done,
        .context = context,
        .workers = mem_zalloc(workers * sizeof(gathering->workers[0])),
        .services = mem_zalloc(samples * sizeof(gathering->services[0])),
    };
    broker_ask_all(broker, make, NULL, &gathering->request);
}
