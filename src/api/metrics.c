/* SPDX-License-Identifier: Apache-2.0 */
/* /metrics: what every worker counts, of the services that the API key is for, as Prometheus text
 * (exposition format 0.0.4). */
#include "api/metrics.h"

#include <stdlib.h>
#include <string.h>

#include "api/exchange.h"
#include "api/handlers.h"
#include "api/limit/upload_quota.h"
#include "api/metrics_text.h"
#include "api/presence/notifications.h"
#include "api/qos/qos_hub.h"
#include "api/qos/qos_receipts.h"
#include "api/reply.h"
#include "base/loop.h"
#include "base/mem.h"
#include "broker/broker.h"
#include "h2/session.h"
#include "sse/clients.h"
#include "sse/ended.h"
#include "sse/presence.h"
#include "sse/registry.h"
#include "sse/service.h"

/* What BROKER_SAMPLED has of a worker. */
struct sample {
    struct metrics_worker worker;
    struct metrics_service services[];
};

struct gathering {
    struct broker_request request;
    struct api_exchange *exchange; /* a reference */
    struct metrics_worker *workers;
    struct metrics_service *services; /* of worker 0, then of worker 1, … */
};

static void sample_notifications(const struct notifications *notifications,
                                 struct metrics_service *sample)
{
    const struct notification_queue *queue;

    if (!notifications)
        return;
    queue = notifications_queue(notifications);
    sample->notifications = *notification_queue_counters(queue);
    sample->notifications_waiting = notification_queue_count(queue);
    sample->notification_bytes = notification_queue_bytes(queue);
    sample->notification_age = (double)notification_queue_age_ms(queue) / 1000;
}

static void sample_qos(const struct qos_hub *hub, struct metrics_service *sample)
{
    if (!hub)
        return;
    sample->qos = hub->counters;
    sample->receipts = *qos_posts_counters(qos_receipts_posts(hub->receipts));
    sample->receipts_waiting = qos_posts_count(qos_receipts_posts(hub->receipts));
    sample->qos_waiting_bytes = hub->line.bytes;
    sample->qos_visitors = hub->joins.joining.count;
    qos_store_report(hub->store, &sample->store);
    qos_desk_report(hub->desk, &sample->desk);
    sample->store_open = sample->store.is_open ? 1 : 0;
    sample->commit_seconds = (double)sample->store.commit_us / 1e6;
    sample->signature_seconds = (double)sample->auth.signatures_us / 1e6;
    sample->commit_seconds_max = (double)sample->store.commit_us_max / 1e6;
}

static void sample_service(const struct api_service *service, struct metrics_service *sample)
{
    const struct sse_registry *registry = service->core->registry;
    const struct presence_log *presence = &service->broker.presence_log;

    *sample = (struct metrics_service){
        .counters = service->core->counters,
        .auth = auth_count(service->auth),
        .connections = sse_registry_count(registry),
        .ended = sse_ended_count(service->core->ended),
        .ended_displaced = sse_ended_displaced(service->core->ended),
        .users = sse_registry_group_count(registry, SSE_GROUP_USER),
        .channels = sse_registry_group_count(registry, SSE_GROUP_CHANNEL),
        .channels_refused = service->channels_refused,
        .clients = sse_clients_count(service->broker.clients),
        .users_online = sse_presence_online(service->online.presence),
        .presence_events = presence->added,
        .presence_history_bytes = presence->history.bytes,
        .presence_gaps = presence->gaps,
        .presence_refused = presence->refused,
        .presence_watchers = service->watches.count,
        .keys_kept = service->broker.idempotency.entries.count,
        .keys_replayed = service->broker.idempotency.replayed,
        .keys_displaced = service->broker.idempotency.entries.evicted,
        .calls_waiting = service->broker.call_orders.waiting,
        .calls_refused = service->broker.call_orders.refused,
        .call_gaps = service->broker.call_orders.gaps,
        .came_online = service->broker.online.came_online,
        .went_offline = service->broker.online.went_offline,
        .queued_bytes = service->core->queued_bytes,
        .history_events = sse_history_count(service->core->history),
        .history_bytes = sse_history_bytes(service->core->history),
        .rates_kept =
            buckets_count(&service->limits.users) + buckets_count(&service->limits.addresses),
        .rates_displaced =
            service->limits.users.lru.evicted + service->limits.addresses.lru.evicted,
    };
    if (service->api->worker == 0)
        upload_quota_usage(service->settings->upload_quota, service->index, &sample->upload_bytes,
                           &sample->upload_files);
    sample_notifications(service->notifications, sample);
    sample_qos(service->qos, sample);
    memcpy(sample->limited, service->limits.refused, sizeof(sample->limited));
}

static void sample_worker(const struct api *api, struct metrics_worker *sample)
{
    sample->lag = *loop_lag(api->loop);
    sample->turns = *loop_turns(api->loop);
    outbound_http_count(api->outbound, &sample->outbound);
    outbound_http_count(api->outbound_streams, &sample->outbound);
    sample->guard = api->guard;
    if (!api->endpoint)
        return;
    sample->h2 = *h2_endpoint_counters(api->endpoint);
    sample->sessions = h2_endpoint_sessions(api->endpoint);
    sample->streams = h2_endpoint_streams(api->endpoint);
    sample->inbound_bytes = h2_endpoint_inbound_bytes(api->endpoint);
    sample->output_bytes = h2_endpoint_output_bytes(api->endpoint);
    sample->shares_frames = h2_endpoint_shares_frames(api->endpoint);
    sample->socket_bytes = h2_endpoint_socket_bytes(api->endpoint);
}

void metrics_receive(const struct api *api, const struct broker_message *question)
{
    const size_t count = api->settings->service_count;
    struct sample *sample = mem_zalloc(sizeof(*sample) + count * sizeof(sample->services[0]));
    struct broker_message *answer = broker_message_new(BROKER_SAMPLED, BROKER_NO_SERVICE, 0);
    const struct broker_asker asker = broker_asker(question);

    sample_worker(api, &sample->worker);
    for (size_t i = 0; i < count; i++)
        sample_service(&api->services[i], &sample->services[i]);
    answer->sample = sample;
    broker_answer(api->broker, &asker, answer);
}

static void reply(struct gathering *gathering)
{
    const struct api *api = gathering->exchange->api;
    struct buf text = BUF_INIT;

    metrics_text(&text, api->settings, gathering->exchange->services, broker_workers(api->broker),
                 gathering->workers, gathering->services);
    api_reply_text(gathering->exchange, "text/plain; version=0.0.4; charset=utf-8", &text);
    api_exchange_unref(gathering->exchange);
    free(gathering->workers);
    free(gathering->services);
    free(gathering);
}

static void on_sample(struct broker_request *request, const struct broker_message *answer)
{
    struct gathering *gathering = container_of(request, struct gathering, request);
    const size_t count = gathering->exchange->api->settings->service_count;
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

void api_handle_metrics(struct api_exchange *exchange)
{
    const struct api *api = exchange->api;
    struct gathering *gathering = mem_zalloc(sizeof(*gathering));
    const size_t workers = broker_workers(api->broker);

    gathering->exchange = api_exchange_ref(exchange);
    gathering->workers = mem_zalloc(workers * sizeof(gathering->workers[0]));
    gathering->services =
        mem_zalloc((workers * api->settings->service_count + 1) * sizeof(gathering->services[0]));
    gathering->request.on_answer = on_sample;
    broker_ask_all(api->broker, make, NULL, &gathering->request);
}
