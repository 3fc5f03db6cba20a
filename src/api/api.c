/* SPDX-License-Identifier: Apache-2.0 */
#include "api/api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/backend/send.h"
#include "api/exchange.h"
#include "api/origin.h"
#include "api/refusal.h"
#include "api/reply.h"
#include "api/request_log.h"
#include "api/routes.h"
#include "api/worker.h"
#include "auth/auth.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "broker/lifecycle.h"
#include "broker/local/local.h"
#include "h2/request.h"
#include "h2/session.h"
#include "h2/stream.h"
#include "sse/service.h"

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
               api_endpoint_is_page_list(service, exchange->endpoint);
    return api_routes_is_pages_side(service, path);
}

/* The request may be incomplete; then nobody knows what service it was for. */
static void on_error(void *context, struct h2_stream *stream, int status, const char *message)
{
    const struct h2_request *request = h2_stream_request(stream);
    struct api_service *service = NULL;
    const char *relative = "";
    struct wrapping wrapping;
    char detail[256];

    if (request && request->path)
        service = api_service_of(context, request->path, &relative);
    wrapping = wrapping_of(service, request, is_pages_side(stream, service, relative));
    snprintf(detail, sizeof(detail), "%s%s", message,
             status == 413 ? body_setting(h2_stream_context(stream)) : "");
    refusal_tell_stream(context, stream, service, status, detail);
    api_reply_stream_error(stream, &wrapping, status, detail);
}

static void on_full(void *context, bool for_stranger)
{
    const struct api *api = context;

    api->host.make_room(api->host.context, for_stranger);
}

static void on_answered(void *context, const struct h2_stream *stream,
                        const struct h2_response *response)
{
    const struct api_exchange *exchange = h2_stream_context(stream);
    struct api *api = context;
    enum request_class class;

    answer_tell(api, stream, response);
    if (api->settings->access)
        access_log_write(api, stream, response);
    if (!exchange)
        return;
    class = api_routes_class(exchange);
    api->answers[class][request_result_of(response->status)]++;
    histogram_add_since(&api->request_times[class], exchange->began_ns);
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
    struct api *api = context;
    const struct api_exchange *exchange = h2_stream_context(stream);
    const char *security = h2_session_transport_security(h2_stream_session(stream));
    const struct h2_request *request = h2_stream_request(stream);
    const struct api_service *service = NULL;
    const char *relative = "";
    size_t count = 0;

    if (!exchange)
        request_id_write(&api->settings->client_address, broker_key(api->broker), stream,
                         api->request_id);
    fields[count++] =
        (struct h2_field){"x-request-id", exchange ? exchange->request_id : api->request_id};
    fields[count++] = (struct h2_field){"x-content-type-options", "nosniff"};
    if (security && *security != '\0')
        fields[count++] = (struct h2_field){"strict-transport-security", security};
    if (exchange && exchange->endpoint && request)
        service = exchange->service;
    else if (request && request->path)
        service = api_service_of(context, request->path, &relative);
    if (service) {
        fields[count++] = (struct h2_field){"x-sse-server-id", service->api->settings->server_id};
        fields[count++] = (struct h2_field){"x-sse-version", service->api->settings->version};
    }
    if (service && is_pages_side(stream, service, relative)) {
        count += cors_fields(request, service->settings->origins, &fields[count]);
        if (h2_request_header(request, "origin") &&
            !origin_is_fine(request, service->settings->origins))
            refusal_log_origin(api, stream);
    }
    return count;
}

static void service_init(struct api_service *service, struct api *api, size_t index,
                         struct auth *auth)
{
    const struct api_service_settings *settings = &api->settings->services[index];
    struct sse_service *core = sse_service_new(api->loop, settings->core, settings->log);
    const struct stored_place stored_place = {
        .make_engine = local_engine_new,
        .outbound = api->outbound,
        .shared = settings->qos_shared,
        .draining = api->settings->draining,
        .wants_revocations = auth->ops->restore != NULL,
    };

    *service = (struct api_service){
        .api = api,
        .settings = settings,
        .auth = auth,
        .index = index,
        .base_length = strlen(settings->core->base_path),
        .upload_directory = directory_open(settings->upload_directory),
    };
    list_init(&service->watchers);
    core->shard = (struct sse_shard){(uint32_t)api->worker, *broker_key(api->broker)};
    broker_service_init(&service->broker, api->broker, index, core, &settings->broker);
    service->broker.outbound = api->outbound;
    service->broker.revoker = revocation_revoker(auth);
    broker_service_start(&service->broker, &settings->qos, &stored_place);
    if (service->upload_directory < 0)
        log_error("the upload directory cannot be used; uploads are refused",
                  LOG_STR("service", settings->core->name),
                  LOG_STR("directory", settings->upload_directory),
                  LOG_STR("reason", strerror(-service->upload_directory)));
}

static void service_release(struct api_service *service)
{
    broker_service_stop(&service->broker);
    sse_service_free(service->broker.core);
    if (service->upload_directory >= 0)
        close(service->upload_directory);
}

struct api *api_new(const struct api_settings *settings, const struct api_place *place)
{
    struct api *api = mem_zalloc(sizeof(*api));

    api->settings = settings;
    api->loop = place->loop;
    api->worker = broker_worker(place->broker);
    api->outbound = place->outbound;
    api->outbound_streams = place->outbound_streams;
    upload_writers_init(&api->uploads, place->loop);
    ordered_jobs_init(&api->bodies, place->loop, settings->readers);
    api->handler = (struct h2_handler){
        .on_request = api_request_start,
        .on_error = on_error,
        .common_fields = common_fields,
        .on_full = on_full,
        .on_answered = on_answered,
        .on_sent = on_sent,
        .context = api,
    };
    api->broker = place->broker;
    api->host = place->host;
    api->more_routes = place->more_routes;
    api->services = mem_zalloc(settings->service_count * sizeof(api->services[0]));
    for (size_t i = 0; i < settings->service_count; i++)
        service_init(&api->services[i], api, i, place->auths[i]);
    return api;
}

static void service_change(struct api_service *service, const struct api_service_settings *settings)
{
    service->settings = settings;
    sse_service_change(service->broker.core, settings->core);
    broker_service_restart(&service->broker, &settings->broker, &settings->qos);
    list_for_each_safe(node, after, &service->watchers) {
        struct api_watcher *watcher = container_of(node, struct api_watcher, node);

        watcher->changed(watcher);
    }
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
        !ordered_jobs_release(&api->bodies, disks_ms))
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

void api_abandon_disks(struct api *api)
{
    upload_writers_abandon(&api->uploads);
}

bool api_is_idle(const struct api *api)
{
    for (size_t i = 0; i < api->settings->service_count; i++) {
        if (!broker_service_is_settled(&api->services[i].broker))
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
        sse_service_drain(api->services[i].broker.core, spread_ms);
}

static void drain_watchers(struct api_service *service)
{
    list_for_each_safe(node, after, &service->watchers) {
        struct api_watcher *watcher = container_of(node, struct api_watcher, node);

        watcher->drained(watcher);
    }
}

void api_drain_rest(struct api *api)
{
    if (api->is_drained)
        return;
    api->is_drained = true;
    for (size_t i = 0; i < api->settings->service_count; i++) {
        drain_watchers(&api->services[i]);
        broker_service_finish(&api->services[i].broker);
    }
}

void api_abandon(struct api *api)
{
    for (size_t i = 0; i < api->settings->service_count; i++)
        broker_service_abandon(&api->services[i].broker);
}
