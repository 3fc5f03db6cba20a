/* SPDX-License-Identifier: Apache-2.0 */
#include "server/settings.h"

#include <stdlib.h>

#include "api/origin.h"
#include "auth/credential.h"
#include "auth/jwt_key.h"
#include "base/clock.h"
#include "base/envelope.h"
#include "base/http_url.h"
#include "base/mem.h"
#include "base/networks.h"
#include "broker/presence_event.h"
#include "outbound/authorities.h"
#include "outbound/webhook.h"
#include "server/config_load.h"
#include "server/config_parts.h"
#include "server/version.h"
#include "upload/quota.h"

/* What one user may take where no setting says otherwise. */
#define USER_CONNECTIONS 20u
#define USER_UPLOADS     20u
#define USER_REQUESTS    1000u /* at once */

static int make_listener(struct settings *settings, size_t index, struct config_fault *fault)
{
    const struct config_listener *listener = &settings->config.listeners[index];

    if (*listener->proxy_from != '\0') {
        settings->listener_proxies[index] =
            networks_new(listener->proxy_from, fault->message, sizeof(fault->message));
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

/* Where anybody may be anybody, a limit per user would let one lock out another: there it counts
 * only when somebody has set it. */
static void set_limits(struct limits_settings *limits, enum config_auth auth)
{
    if (auth == CONFIG_AUTH_DEVELOPMENT)
        return;
    if (limits->slots[BROKER_STREAM][BROKER_SLOT_OF_USER] == 0)
        limits->slots[BROKER_STREAM][BROKER_SLOT_OF_USER] = USER_CONNECTIONS;
    if (limits->slots[BROKER_UPLOAD][BROKER_SLOT_OF_USER] == 0)
        limits->slots[BROKER_UPLOAD][BROKER_SLOT_OF_USER] = USER_UPLOADS;
    if (limits->user_requests.burst == 0)
        limits->user_requests.burst = USER_REQUESTS;
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

/* How messages come again (broker/redelivery/ops.h). */
#define ACK_LONGEST_MS   600000u
#define TAKEOVER_MS      10000u
#define REDELIVERY_BATCH 64u

static void set_stored(struct stored_settings *stored, const struct config_service *service)
{
    struct redelivery_settings *redelivery = &stored->redelivery;
    const uint32_t ack_ms = redelivery->ack_ms;

    stored->is_in_memory = service->store == CONFIG_STORE_MEMORY;
    stored->revocations = service->jwt.revocations;
    stored->receipt_secret = service->api.broker.webhook_secret;
    redelivery->ack_ms_most = ack_ms > ACK_LONGEST_MS ? ack_ms : ACK_LONGEST_MS;
    redelivery->takeover_ms = ack_ms < TAKEOVER_MS ? ack_ms : TAKEOVER_MS;
    redelivery->batch = REDELIVERY_BATCH;
    redelivery->ack_on_write = service->acknowledgement == CONFIG_ACK_WRITE;
}

static void set_broker(struct broker_settings *broker, const struct config_service *service)
{
    struct word unknown;

    set_limits(&broker->limits, service->auth);
    broker->client_connections = service->settings.client_connections;
    (void)presence_kinds_parse(service->notified_events, &broker->notifications.kinds,
                               &unknown); /* was checked */
    broker->presence.is_always = *broker->notifications.url != '\0';
    /* Who may be anybody may have anybody's channels. */
    broker->channels.is_open |= service->auth == CONFIG_AUTH_DEVELOPMENT;
}

/* Which of the service's own addresses may have whole tokens. */
static void say_tokens(struct api_service_settings *service, bool has_proxy)
{
    struct api_handler_settings *handlers = &service->handlers;
    const char *secret = service->broker.webhook_secret;

    handlers->message_has_token = told_may_have_token(handlers->message_url, secret, has_proxy);
    handlers->upload_has_token = told_may_have_token(handlers->upload_url, secret, has_proxy);
    service->broker.notifications.has_token =
        told_may_have_token(service->broker.notifications.url, secret, has_proxy);
    service->qos.has_proxy = has_proxy;
    service->qos.tells_tokens = service->broker.notifications.has_token;
}

static void make_service(struct settings *settings, struct settings_shared *shared, size_t index)
{
    const struct config_service *from = &settings->config.services[index];
    struct api_service_settings *service = &settings->services[index];
    char fault[240];

    settings->origins[index] = origins_new(from->origins, fault, sizeof(fault)); /* was checked */
    settings->envelopes[index][0] = envelope_for(from->envelope_ok);
    settings->envelopes[index][1] = envelope_for(from->envelope_error);
    *service = from->api;
    service->core = &from->settings;
    service->envelope_ok = settings->envelopes[index][0];
    service->envelope_error = settings->envelopes[index][1];
    service->origins = settings->origins[index];
    service->origin_headers = headers_for(from, &settings->origin_headers[index]);
    service->upload_quota = shared->uploads;
    service->upload_pool = shared->upload_pools[index];
    service->qos_shared = &shared->qos[index];
    service->log = shared->logs[index];
    service->broker.shared = &shared->limits[index];
    service->broker.server_id = shared->server_id;
    service->broker.draining = shared->draining;
    set_broker(&service->broker, from);
    set_stored(&service->qos, from);
    say_tokens(service, *settings->config.outbound.proxy != '\0');
}

/* They were loaded once when the configuration was checked; a file may have changed since. */
static int make_token_keys(struct settings *settings, struct config_fault *fault)
{
    const struct config *config = &settings->config;

    for (size_t i = 0; i < config->service_count; i++) {
        if (config->services[i].auth != CONFIG_AUTH_JWT)
            continue;
        settings->token_keys[i] = config_make_token_keys(config, i, fault);
        if (!settings->token_keys[i])
            return -1;
    }
    return 0;
}

static const enum log_format access_formats[] = {
    [CONFIG_ACCESS_COMBINED] = LOG_FORMAT_COMBINED,
    [CONFIG_ACCESS_LOGFMT] = LOG_FORMAT_LOGFMT,
    [CONFIG_ACCESS_JSON] = LOG_FORMAT_JSON,
};

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
        .slow_request_ms = config->slow_request_ms,
        .demo = config->demo,
        .console_hosts = config->console_hosts,
        .server_id = shared->server_id,
        .audit = shared->audit,
        .access = shared->access,
        .access_format = access_formats[config->access_format],
        .readers = shared->readers,
        .version = server_version,
        .ready = shared->ready,
        .draining = shared->draining,
        .shown = settings->shown,
    };
}

struct outbound_http_settings settings_outbound(const struct config *config)
{
    struct outbound_http_settings outbound = config->outbound;

    outbound.feed_bytes = config->limits.session_window;
    outbound.only_http1 = !config->outbound_http2;
    outbound.user_agent = server_agent;
    return outbound;
}

struct settings *settings_new(struct config *config, struct settings_shared *shared,
                              uint64_t version, struct config_fault *fault)
{
    struct settings *settings = mem_zalloc(sizeof(*settings));
    int rc = 0;

    atomic_init(&settings->refs, 1);
    settings->shared = shared;
    settings->number = version;
    settings->loaded_at = clock_wall_ms();
    atomic_fetch_add(&shared->reloads.sets, 1);
    settings->config = *config;
    settings->proxies = networks_new(settings->config.trusted_proxies, fault->message,
                                     sizeof(fault->message)); /* was checked */
    for (size_t i = 0; rc == 0 && i < settings->config.listener_count; i++)
        rc = make_listener(settings, i, fault);
    if (rc == 0)
        rc = make_token_keys(settings, fault);
    if (rc != 0) {
        settings_unref(settings);
        return NULL;
    }
    make_api(settings, shared, version);
    settings->outbound = settings_outbound(&settings->config);
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
            (struct upload_quota_service){.limits = &config->services[i].api.upload_limits,
                                          .directory = config->services[i].api.upload_directory,
                                          .age_ms = config->services[i].upload_age_ms};
}
