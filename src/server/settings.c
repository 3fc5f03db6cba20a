/* SPDX-License-Identifier: Apache-2.0 */
#include "server/settings.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/cors.h"
#include "api/envelope.h"
#include "api/limit/upload_quota.h"
#include "api/origins.h"
#include "api/presence/presence_event.h"
#include "api/told.h"
#include "auth/api_key.h"
#include "auth/jwt_keys.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/networks.h"
#include "outbound/authorities.h"
#include "server/config_api_keys.h"
#include "server/config_load.h"
#include "server/config_outbound.h"
#include "server/config_qos.h"
#include "server/config_show.h"
#include "server/config_token_keys.h"
#include "server/version.h"

/* What one user may take where no setting says otherwise. */
#define USER_CONNECTIONS 20u
#define USER_UPLOADS     20u
#define USER_REQUESTS    1000u /* at once */

static int make_listener(struct settings *settings, size_t index, char *fault, size_t fault_size)
{
    const struct config_listener *listener = &settings->config.listeners[index];

    if (*listener->proxy_from != '\0') {
        settings->listener_proxies[index] = networks_new(listener->proxy_from, fault, fault_size);
        if (!settings->listener_proxies[index]) /* was checked; but none would mean anybody */
            return -1;
    }
    settings->listeners[index] = (struct h2_listener_options){
        .http1 = listener->http1,
        .proxy_protocol = listener->proxy_protocol,
        .proxy_from = settings->listener_proxies[index],
        .trusted = settings->proxies,
        .keeps_sessions = listener->role == API_ROLE_ADMIN,
        .role = listener->role,
        .transport_security = listener->transport_security,
    };
    return 0;
}

static struct api_notification_settings
notification_settings(const struct config_notifications *config)
{
    struct api_notification_settings settings = {
        .url = config->url,
        .timeout_ms = config->timeout_ms,
        .channels = config->channels,
        .access_tokens = config->access_tokens,
        .queue = {.most = config->queue,
                  .most_bytes = config->queue_bytes,
                  .in_flight = config->in_flight,
                  .retry_ms = config->retry_ms},
    };
    struct word unknown;

    (void)presence_kinds_parse(config->events, &settings.kinds, &unknown); /* was checked */
    return settings;
}

/* Where anybody may be anybody, a limit per user would let one lock out another: there it counts
 * only when somebody has set it. */
static struct limits_settings limits_for(const struct config_service *service)
{
    struct limits_settings limits = service->limits;

    if (service->auth == CONFIG_AUTH_DEVELOPMENT)
        return limits;
    if (limits.most[LIMIT_USER_CONNECTIONS] == 0)
        limits.most[LIMIT_USER_CONNECTIONS] = USER_CONNECTIONS;
    if (limits.most[LIMIT_USER_UPLOADS] == 0)
        limits.most[LIMIT_USER_UPLOADS] = USER_UPLOADS;
    if (limits.user_requests.burst == 0)
        limits.user_requests.burst = USER_REQUESTS;
    return limits;
}

/* What names a user must be let through. */
static const char *headers_for(const struct config_service *service, struct buf *list)
{
    const char *names[] = {service->cors_headers, service->auth_webhook.names.headers};

    cors_list_headers(list, names, service->auth == CONFIG_AUTH_WEBHOOK ? 2 : 1);
    return buf_str(list);
}

/* NULL: the usual one. */
static struct envelope *envelope_for(const char *text)
{
    char fault[240];

    return *text != '\0' ? envelope_new(text, fault, sizeof(fault)) : NULL; /* was checked */
}

/* Which of the service's own addresses may have whole tokens. */
static void say_tokens(struct api_service_settings *service, bool has_proxy)
{
    struct api_handler_settings *handlers = &service->handlers;
    const char *secret = service->webhook_secret;

    handlers->message_has_token = told_may_have_token(handlers->message_url, secret, has_proxy);
    handlers->upload_has_token = told_may_have_token(handlers->upload_url, secret, has_proxy);
    service->notifications.has_token =
        told_may_have_token(service->notifications.url, secret, has_proxy);
}

static void make_service(struct settings *settings, struct settings_shared *shared, size_t index)
{
    const struct config *config = &settings->config;
    const struct config_service *service = &config->services[index];
    char fault[240];

    settings->origins[index] =
        origins_new(service->origins, fault, sizeof(fault)); /* was checked */
    settings->envelopes[index][0] = envelope_for(service->envelope_ok);
    settings->envelopes[index][1] = envelope_for(service->envelope_error);
    settings->services[index] = (struct api_service_settings){
        .core = &service->settings,
        .envelope = service->envelope,
        .envelope_ok = settings->envelopes[index][0],
        .envelope_error = settings->envelopes[index][1],
        .page_lists = service->page_lists,
        .origins = settings->origins[index],
        .origin_headers = headers_for(service, &settings->origin_headers[index]),
        .session_binding_strict = service->session_binding_strict,
        .calls_without_connection = service->calls_without_connection,
        .secret_names = service->secret_names,
        .upload_directory = service->upload_directory,
        .json_body_bytes = service->json_body_bytes,
        .upload_bytes = service->upload_bytes,
        .upload_parts = service->upload_parts,
        .upload_quota = shared->uploads,
        .upload_pool = shared->upload_pools[index],
        .upload_timeout_ms = service->upload_timeout_ms,
        .session_connections = service->session_connections,
        .idempotency_keys = service->idempotency_keys,
        .idempotency_bytes = service->idempotency_bytes,
        .idempotency_user_keys = service->idempotency_user_keys,
        .idempotency_user_bytes = service->idempotency_user_bytes,
        .limits = limits_for(service),
        .shared = &shared->limits[index],
        .presence = service->presence,
        .handlers = service->handlers,
        .notifications = notification_settings(&service->notifications),
        .qos = config_make_qos(service, *config->outbound.proxy != '\0'),
        .qos_shared = &shared->qos[index],
        .webhook_secret = service->webhook_secret,
        /* Who may be anybody may have anybody's channels. */
        .channels = {service->channels_open || service->auth == CONFIG_AUTH_DEVELOPMENT,
                     service->channel_patterns},
    };
    say_tokens(&settings->services[index], *config->outbound.proxy != '\0');
}

/* They were loaded once when the configuration was checked; a file may have changed since. */
static int make_token_keys(struct settings *settings, char *fault, size_t fault_size)
{
    const struct config *config = &settings->config;

    for (size_t i = 0; i < config->service_count; i++) {
        if (config->services[i].auth != CONFIG_AUTH_JWT)
            continue;
        settings->token_keys[i] = config_make_token_keys(config, i, fault, fault_size);
        if (!settings->token_keys[i])
            return -1;
    }
    return 0;
}

static void make_api(struct settings *settings, struct settings_shared *shared, uint64_t version)
{
    const struct config *config = &settings->config;

    for (size_t i = 0; i < config->service_count; i++)
        make_service(settings, shared, i);
    settings->keys = config_make_api_keys(config);
    settings->shown = config_show(config, version);
    settings->api = (struct api_settings){
        .client_address = {settings->proxies, config->proxy_field},
        .services = settings->services,
        .service_count = config->service_count,
        .keys = settings->keys,
        .demo = config->demo,
        .server_id = shared->server_id,
        .audit = shared->audit,
        .readers = shared->readers,
        .version = server_version,
        .ready = shared->ready,
        .draining = shared->draining,
        .show_certificates = shared->show_certificates,
        .certificates = shared->certificates,
        .number = version,
        .loaded_at = clock_wall_ms(),
        .shown = settings->shown,
        .reloads = &shared->reloads,
        .certificate_reloads = &shared->certificate_reloads,
    };
}

struct settings *settings_new(struct config *config, struct settings_shared *shared,
                              uint64_t version, char *fault, size_t fault_size)
{
    struct settings *settings = mem_zalloc(sizeof(*settings));
    int rc = 0;

    atomic_init(&settings->refs, 1);
    settings->shared = shared;
    atomic_fetch_add(&shared->reloads.sets, 1);
    settings->config = *config;
    settings->proxies =
        networks_new(settings->config.trusted_proxies, fault, fault_size); /* was checked */
    for (size_t i = 0; rc == 0 && i < settings->config.listener_count; i++)
        rc = make_listener(settings, i, fault, fault_size);
    if (rc == 0)
        rc = make_token_keys(settings, fault, fault_size);
    if (rc != 0) {
        settings_unref(settings);
        return NULL;
    }
    make_api(settings, shared, version);
    settings->outbound = config_make_outbound(&settings->config);
    settings->outbound.authorities = outbound_authorities_new(settings->outbound.ca_file);
    return settings;
}

struct settings *settings_ref(struct settings *settings)
{
    atomic_fetch_add_explicit(&settings->refs, 1, memory_order_relaxed);
    return settings;
}

void settings_unref(struct settings *settings)
{
    if (!settings || atomic_fetch_sub_explicit(&settings->refs, 1, memory_order_acq_rel) > 1)
        return;
    for (size_t i = 0; i < settings->config.listener_count; i++)
        networks_free(settings->listener_proxies[i]);
    for (size_t i = 0; i < settings->config.service_count; i++) {
        origins_free(settings->origins[i]);
        envelope_free(settings->envelopes[i][0]);
        envelope_free(settings->envelopes[i][1]);
        buf_release(&settings->origin_headers[i]);
        auth_jwt_keys_free(settings->token_keys[i]);
    }
    networks_free(settings->proxies);
    outbound_authorities_unref(settings->outbound.authorities);
    auth_api_keys_free(settings->keys);
    free(settings->shown);
    config_release(&settings->config);
    atomic_fetch_sub(&settings->shared->reloads.sets, 1);
    free(settings);
}

void settings_upload_services(const struct config *config, struct upload_quota_service *services)
{
    for (size_t i = 0; i < config->service_count; i++)
        services[i] =
            (struct upload_quota_service){.limits = &config->services[i].limits,
                                          .directory = config->services[i].upload_directory,
                                          .age_ms = config->services[i].upload_age_ms};
}
