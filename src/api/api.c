/* SPDX-License-Identifier: Apache-2.0 */
#include "api/api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/backend/revocation.h"
#include "api/cors.h"
#include "api/exchange.h"
#include "api/limit/attach.h"
#include "api/metrics.h"
#include "api/origin.h"
#include "api/page_lists.h"
#include "api/presence/notifications.h"
#include "api/presence/presence_snapshot.h"
#include "api/qos/qos_hub.h"
#include "api/qos/qos_requests.h"
#include "api/qos/qos_send.h"
#include "api/refusal.h"
#include "api/reply.h"
#include "api/request.h"
#include "api/routes.h"
#include "api/worker.h"
#include "api/wrapping.h"
#include "base/directory.h"
#include "base/log.h"
#include "base/mem.h"
#include "broker/receive.h"
#include "h2/request.h"
#include "h2/session.h"
#include "h2/stream.h"
#include "sse/dispatch.h"
#include "sse/presence.h"
#include "sse/service.h"
#include "sse/target.h"

/* That each other worker makes free when one has no room: what one body may need. */
#define ROOM_BYTES ((size_t)2 * 1024 * 1024)

struct api_service *api_service_of(struct api *api, const char *path, const char **relative)
{
    struct api_service *best = NULL;

    for (size_t i = 0; i < api->settings->service_count; i++) {
        struct api_service *service = &api->services[i];
        size_t length = service->base_length;

        if (strncmp(path, service->settings->core->base_path, length) != 0)
            continue;
        if (path[length] != '\0' && path[length] != '/')
            continue;
        if (!best || length > best->base_length)
            best = service;
    }
    if (best)
        *relative = path + best->base_length;
    return best;
}

bool api_is_ready(const struct api *api)
{
    return atomic_load_explicit(api->settings->ready, memory_order_relaxed);
}

bool api_is_draining(const struct api *api)
{
    return atomic_load_explicit(api->settings->draining, memory_order_relaxed);
}

static void on_request(void *context, struct h2_stream *stream)
{
    api_request_start(context, stream);
}

/* What decides how large a body may be; a form of 16 KiB can be no larger. */
static const char *body_setting(const struct api_exchange *exchange)
{
    if (!exchange || !exchange->endpoint)
        return "";
    switch (exchange->endpoint->body) {
    case API_STREAMED:
        return ", which is services[].uploadBytes";
    case API_NO_BODY:
        return "";
    default:
        return ", which is services[].jsonBodyBytes; of a form 16 KiB are taken at the most";
    }
}

static bool is_pages_side(const struct h2_stream *stream, const struct api_service *service,
                          const char *path)
{
    const struct api_exchange *exchange = h2_stream_context(stream);

    if (exchange && exchange->endpoint)
        return exchange->endpoint->guard != API_BACK_END ||
               page_lists_have(service, exchange->endpoint);
    return api_routes_is_pages_side(service, path);
}

/* The request may be incomplete; then nobody knows what service it was for. */
static void on_error(void *context, struct h2_stream *stream, int status, const char *message)
{
    const struct h2_request *request = h2_stream_request(stream);
    const struct api_service *service = NULL;
    const char *relative = "";
    struct wrapping wrapping;
    char detail[256];

    if (request && request->path)
        service = api_service_of(context, request->path, &relative);
    wrapping = wrapping_of(service, request, is_pages_side(stream, service, relative));
    snprintf(detail, sizeof(detail), "%s%s", message,
             status == 413 ? body_setting(h2_stream_context(stream)) : "");
    api_reply_stream_error(stream, &wrapping, status, detail);
}

static void make_room(const struct api *api, const struct broker_message *question)
{
    const struct broker_asker asker = broker_asker(question);

    if (api->endpoint)
        h2_endpoint_make_room(api->endpoint, ROOM_BYTES, question->is_for_stranger);
    broker_answer(api->broker, &asker, broker_message_new(BROKER_ROOM_MADE, BROKER_NO_SERVICE, 0));
}

struct others {
    const struct api *api;
    bool for_stranger;
};

static struct broker_message *ask_for_room(void *context, size_t worker)
{
    const struct others *others = context;
    struct broker_message *message;

    if (worker == others->api->worker)
        return NULL;
    message = broker_message_new(BROKER_MAKE_ROOM, BROKER_NO_SERVICE, 0);
    message->is_for_stranger = others->for_stranger;
    return message;
}

/* What is held for slow clients of other workers gives way as well; those who come next profit. */
static void on_full(void *context, bool for_stranger)
{
    struct api *api = context;
    struct others others = {api, for_stranger};

    if (api->room.open > 0 || broker_workers(api->broker) == 1)
        return;
    broker_ask_all(api->broker, ask_for_room, &others, &api->room);
}

/* Streams may stay when they have their answer; what was asked is not needed then. */
static void on_sent(void *context, struct h2_stream *stream)
{
    struct api_exchange *exchange = h2_stream_context(stream);

    (void)context;
    if (!exchange || exchange->refs > 1)
        return;
    exchange->request = NULL;
    h2_stream_forget_request(stream);
}

static size_t common_fields(void *context, const struct h2_stream *stream, struct h2_field *fields)
{
    const char *security = h2_session_transport_security(h2_stream_session(stream));
    const struct h2_request *request = h2_stream_request(stream);
    const struct api_service *service = NULL;
    const char *relative;
    size_t count = 0;

    fields[count++] = (struct h2_field){"x-content-type-options", "nosniff"};
    if (security && *security != '\0')
        fields[count++] = (struct h2_field){"strict-transport-security", security};
    if (request && request->path)
        service = api_service_of(context, request->path, &relative);
    if (service) {
        fields[count++] = (struct h2_field){"x-sse-server-id", service->api->settings->server_id};
        fields[count++] = (struct h2_field){"x-sse-version", service->api->settings->version};
    }
    if (service && is_pages_side(stream, service, relative)) {
        count += cors_fields(request, service->settings->origins, &fields[count]);
        if (h2_request_header(request, "origin") &&
            !origin_is_fine(request, service->settings->origins))
            refusal_tell_origin(stream);
    }
    return count;
}

/* ---- messages ---- */

/* What a service's owner and shards still do in this room. */
static void receive_message(void *context, const struct broker_message *message)
{
    struct api_service *service = context;

    switch (message->kind) {
    case BROKER_WAKE_WATCHERS:
        presence_watches_wake(&service->watches);
        break;
    case BROKER_JOIN_QUEUES:
        qos_join(service->qos, message);
        break;
    case BROKER_LEAVE_QUEUES:
        qos_leave(service->qos, message);
        break;
    case BROKER_ACKNOWLEDGE:
    case BROKER_END_MESSAGES:
    case BROKER_KEEP:
    case BROKER_FIND_MESSAGE:
    case BROKER_LIST_MESSAGES:
        qos_requests_receive(service->qos, message);
        break;
    case BROKER_RESTORE:
        qos_restore(service->auth, &message->revocations);
        break;
    case BROKER_PUBLISH:
        qos_send_receive(service->qos, message);
        break;
    case BROKER_REVOKE:
        revocation_receive(service, message);
        break;
    case BROKER_SNAPSHOT:
        presence_snapshot_receive(service, message);
        break;
    default:
        break;
    }
}

/* What workers ask each other of no service. */
static void receive_of_worker(void *context, const struct broker_message *message)
{
    const struct api *api = context;

    switch (message->kind) {
    case BROKER_SAMPLE:
        metrics_receive(api, message);
        break;
    case BROKER_MAKE_ROOM:
        make_room(api, message);
        break;
    default:
        break;
    }
}

/* Requests with a credential are counted here, too (api/exchange_identity.h). */
static bool takes_request(void *context, const struct sse_user *user)
{
    struct api_service *service = context;

    return limits_take_user_request(&service->limits, user);
}

/* ---- */

static struct broker_settings broker_settings_of(const struct api_service *service)
{
    struct broker_settings settings = attach_settings(service);

    settings.presence = service->settings->presence;
    settings.presence.is_always = notifications_are_wanted(service);
    return settings;
}

static void service_init(struct api_service *service, struct api *api, size_t index,
                         struct auth *auth)
{
    const struct api_service_settings *settings = &api->settings->services[index];
    struct broker_settings broker_settings;

    *service = (struct api_service){
        .api = api,
        .settings = settings,
        .core = sse_service_new(api->loop, settings->core),
        .auth = auth,
        .index = index,
        .base_length = strlen(settings->core->base_path),
        .upload_directory = directory_open(settings->upload_directory),
    };
    service->core->shard = (struct sse_shard){(uint32_t)api->worker, *broker_key(api->broker)};
    presence_watches_init(&service->watches);
    limits_init(&service->limits, service);
    broker_settings = broker_settings_of(service);
    broker_service_init(&service->broker, api->broker, index, service->core, &broker_settings);
    service->broker.guest = (struct broker_receiver){receive_message, service};
    service->broker.takes_request = takes_request;
    broker_service_receive(&service->broker);
    presence_reporter_init(&service->online, service);
    notifications_open(service);
    service->qos = qos_hub_new(service);
    queue_teller_init(&service->queue_teller, service);
    if (service->upload_directory < 0)
        log_error("the upload directory cannot be used; uploads are refused",
                  LOG_STR("service", settings->core->name),
                  LOG_STR("directory", settings->upload_directory),
                  LOG_STR("reason", strerror(-service->upload_directory)));
}

static void service_release(struct api_service *service)
{
    queue_teller_release(&service->queue_teller);
    qos_hub_free(service->qos);
    notifications_close(service);
    presence_reporter_release(&service->online);
    broker_service_release(&service->broker);
    limits_release(&service->limits);
    sse_service_free(service->core);
    if (service->upload_directory >= 0)
        close(service->upload_directory);
}

struct api *api_new(const struct api_settings *settings, const struct api_place *place)
{
    struct api *api = mem_zalloc(sizeof(*api));

    api->settings = settings;
    api->server_id = settings->server_id;
    api->loop = place->loop;
    api->worker = broker_worker(place->broker);
    api->outbound = place->outbound;
    api->outbound_streams = place->outbound_streams;
    upload_writers_init(&api->uploads, place->loop);
    body_lines_init(&api->bodies, place->loop, settings->readers);
    api->handler = (struct h2_handler){
        .on_request = on_request,
        .on_error = on_error,
        .common_fields = common_fields,
        .on_full = on_full,
        .on_sent = on_sent,
        .context = api,
    };
    api->broker = place->broker;
    broker_set_receiver(api->broker, BROKER_NO_SERVICE,
                        &(struct broker_receiver){receive_of_worker, api});
    api->services = mem_zalloc(settings->service_count * sizeof(api->services[0]));
    for (size_t i = 0; i < settings->service_count; i++)
        service_init(&api->services[i], api, i, place->auths[i]);
    return api;
}

static void service_change(struct api_service *service, const struct api_service_settings *settings)
{
    struct broker_settings broker;

    service->settings = settings;
    sse_service_change(service->core, settings->core);
    limits_change(&service->limits);
    broker = broker_settings_of(service);
    broker_service_change(&service->broker, &broker);
    notifications_change(service);
    if (service->qos)
        qos_hub_change(service->qos);
    presence_watches_check(&service->watches);
}

void api_change(struct api *api, const struct api_settings *settings)
{
    guard_counters_change(&api->guard, api->settings->keys, settings->keys);
    api->settings = settings;
    for (size_t i = 0; i < settings->service_count; i++)
        service_change(&api->services[i], &settings->services[i]);
}

bool api_free(struct api *api, uint32_t disks_ms)
{
    if (!api)
        return true;
    if (!upload_writers_release(&api->uploads, disks_ms) ||
        !body_lines_release(&api->bodies, disks_ms))
        return false;
    for (size_t i = 0; i < api->settings->service_count; i++)
        service_release(&api->services[i]);
    free(api->services);
    free(api);
    return true;
}

const struct h2_handler *api_handler(struct api *api)
{
    return &api->handler;
}

void api_set_endpoint(struct api *api, struct h2_endpoint *endpoint)
{
    api->endpoint = endpoint;
}

void api_abandon_disks(struct api *api)
{
    upload_writers_abandon(&api->uploads);
}

bool api_is_idle(const struct api *api)
{
    for (size_t i = 0; i < api->settings->service_count; i++) {
        const struct api_service *service = &api->services[i];

        if (!notifications_are_settled(service))
            return false;
        if (service->qos && !qos_hub_is_settled(service->qos))
            return false;
    }
    return api->exchange_count == 0;
}

size_t api_requests(const struct api *api)
{
    return api->exchange_count;
}

void api_drain(struct api *api, uint32_t spread_ms)
{
    atomic_store_explicit(api->settings->draining, true, memory_order_relaxed);
    for (size_t i = 0; i < api->settings->service_count; i++)
        sse_service_drain(api->services[i].core, spread_ms);
}

/* One per service; frees itself. */
struct drain_job {
    struct sse_dispatch_job job;
    struct sse_target target;
    struct api_service *service;
};

static void on_drained(struct sse_dispatch_job *job)
{
    struct drain_job *drain = container_of(job, struct drain_job, job);

    broker_tell_owner(&drain->service->broker,
                      broker_message_new(BROKER_FAREWELL, drain->service->index, 0));
    free(drain);
}

static void end_streams(struct api_service *service)
{
    struct drain_job *drain = mem_zalloc(sizeof(*drain));

    drain->service = service;
    drain->target.dimension = SSE_ALL;
    drain->job.target = &drain->target;
    drain->job.reason = SSE_CLOSE_DRAIN;
    drain->job.reconnect_ms = -1;
    drain->job.on_done = on_drained;
    sse_dispatch_submit(service->core->dispatch, &drain->job);
}

void api_drain_rest(struct api *api)
{
    if (api->is_drained)
        return;
    api->is_drained = true;
    for (size_t i = 0; i < api->settings->service_count; i++) {
        struct api_service *service = &api->services[i];

        presence_watches_drain(&service->watches);
        notifications_hurry(service);
        if (service->qos)
            qos_hub_hurry(service->qos);
        end_streams(service);
    }
}

void api_abandon(struct api *api)
{
    for (size_t i = 0; i < api->settings->service_count; i++) {
        notifications_abandon(&api->services[i]);
        if (api->services[i].qos)
            qos_hub_abandon(api->services[i].qos);
    }
}
