/* SPDX-License-Identifier: Apache-2.0 */
#include "server/worker_auths.h"

#include <stdlib.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/jwks.h"
#include "auth/jwt_backend.h"
#include "auth/webhook_backend.h"
#include "auth/work.h"
#include "base/mem.h"
#include "outbound/http.h"
#include "server/config.h"
#include "server/config_token_keys.h"

struct worker_auths {
    struct worker_auths_parts parts;
    struct auth_work work;
    struct auth *auths[CONFIG_MAX_SERVICES];
    struct auth_jwks *sets[CONFIG_MAX_TOKEN_KEYS];    /* NULL: that one is a key */
    struct outbound_http *https[CONFIG_MAX_SERVICES]; /* NULL: it needs none */
};

/* Of the service, into room for all. */
static struct auth_jwt_sources sources_of(struct worker_auths *auths, size_t service,
                                          struct auth_jwks *sets[CONFIG_MAX_TOKEN_KEYS])
{
    const struct config *config = auths->parts.config;
    struct auth_jwt_sources sources = {
        .keys = auths->parts.token_keys[service], .sets = sets, .work = &auths->work};

    for (size_t i = 0; i < config->token_key_count; i++) {
        if (auths->sets[i] && config_token_key_is_for(config, &config->token_keys[i], service))
            sets[sources.set_count++] = auths->sets[i];
    }
    return sources;
}

static bool is_of_tenant(const struct config_service *config)
{
    return config->settings.users_unique == SSE_UNIQUE_IN_TENANT;
}

static struct auth_jwt_settings jwt_of(const struct config_service *config)
{
    struct auth_jwt_settings settings = config->jwt;

    settings.claims.of_tenant = is_of_tenant(config);
    settings.awaits_revocations = config->qos.store == CONFIG_STORE_SQLITE;
    return settings;
}

static struct auth *make_jwt(struct worker_auths *auths, size_t service)
{
    struct auth_jwks *sets[CONFIG_MAX_TOKEN_KEYS];
    const struct auth_jwt_sources sources = sources_of(auths, service, sets);
    const struct auth_jwt_settings settings = jwt_of(&auths->parts.config->services[service]);

    return auth_jwt_new(&settings, &sources, auths->parts.loop);
}

static struct auth_webhook_settings webhook_of(const struct config_service *config)
{
    struct auth_webhook_settings settings = config->auth_webhook;

    settings.service = config->settings.name;
    settings.secret = config->webhook_secret;
    settings.of_tenant = is_of_tenant(config);
    return settings;
}

/* Of a service's own connections. */
static struct outbound_http_settings http_of(const struct worker_auths_parts *parts,
                                             const struct auth_webhook_settings *settings)
{
    struct outbound_http_settings outbound = *parts->outbound;

    outbound.in_flight = settings->in_flight;
    outbound.waiting = settings->waiting;
    outbound.files = parts->files;
    return outbound;
}

static struct auth *make_webhook(struct worker_auths *auths, size_t service)
{
    const struct worker_auths_parts *parts = &auths->parts;
    const struct auth_webhook_settings settings = webhook_of(&parts->config->services[service]);
    const struct outbound_http_settings outbound = http_of(parts, &settings);

    auths->https[service] = outbound_http_new(parts->loop, &outbound);
    if (!auths->https[service])
        return NULL;
    return auth_webhook_new(&settings, parts->loop, auths->https[service]);
}

static struct auth *make(struct worker_auths *auths, size_t service)
{
    const struct config_service *config = &auths->parts.config->services[service];

    switch (config->auth) {
    case CONFIG_AUTH_JWT:
        return make_jwt(auths, service);
    case CONFIG_AUTH_WEBHOOK:
        return make_webhook(auths, service);
    case CONFIG_AUTH_DEVELOPMENT:
        break;
    }
    return auth_development_new(is_of_tenant(config));
}

/* One of these that is of the same place, which is taken out; NULL: there is none. */
static struct auth_jwks *take_set(struct auth_jwks *sets[CONFIG_MAX_TOKEN_KEYS], const char *place)
{
    for (size_t i = 0; i < CONFIG_MAX_TOKEN_KEYS; i++) {
        struct auth_jwks *set = sets[i];

        if (!set || strcmp(auth_jwks_settings_of(set)->place, place) != 0)
            continue;
        sets[i] = NULL;
        return set;
    }
    return NULL;
}

/* before: those that are there. */
static void open_sets(struct worker_auths *auths, struct auth_jwks *before[CONFIG_MAX_TOKEN_KEYS])
{
    const struct worker_auths_parts *parts = &auths->parts;

    for (size_t i = 0; i < parts->config->token_key_count; i++) {
        const struct config_token_key *key = &parts->config->token_keys[i];
        const struct auth_jwks_settings settings = {key->jwks, key->refresh_ms, parts->files};

        if (*key->jwks == '\0')
            continue;
        auths->sets[i] = take_set(before, key->jwks);
        if (auths->sets[i])
            auth_jwks_change(auths->sets[i], &settings);
        else
            auths->sets[i] = auth_jwks_new(&settings, parts->loop, parts->http);
    }
}

struct worker_auths *worker_auths_new(const struct worker_auths_parts *parts)
{
    struct worker_auths *auths = mem_zalloc(sizeof(*auths));
    struct auth_jwks *none[CONFIG_MAX_TOKEN_KEYS] = {NULL};

    auths->parts = *parts;
    auth_work_init(&auths->work, parts->config->signature_share);
    open_sets(auths, none);
    for (size_t i = 0; i < parts->config->service_count; i++) {
        auths->auths[i] = make(auths, i);
        if (!auths->auths[i]) {
            worker_auths_free(auths);
            return NULL;
        }
    }
    return auths;
}

static void change_service(struct worker_auths *auths, size_t service)
{
    const struct config_service *config = &auths->parts.config->services[service];
    struct auth_jwks *sets[CONFIG_MAX_TOKEN_KEYS];

    if (config->auth == CONFIG_AUTH_JWT) {
        const struct auth_jwt_sources sources = sources_of(auths, service, sets);
        const struct auth_jwt_settings settings = jwt_of(config);

        auth_jwt_change(auths->auths[service], &settings, &sources);
    } else if (config->auth == CONFIG_AUTH_WEBHOOK) {
        const struct auth_webhook_settings settings = webhook_of(config);
        const struct outbound_http_settings outbound = http_of(&auths->parts, &settings);

        outbound_http_change(auths->https[service], &outbound);
        auth_webhook_change(auths->auths[service], &settings);
    }
}

void worker_auths_change(struct worker_auths *auths, const struct worker_auths_parts *parts)
{
    struct auth_jwks *before[CONFIG_MAX_TOKEN_KEYS];

    memcpy(before, auths->sets, sizeof(before));
    memset(auths->sets, 0, sizeof(auths->sets));
    auths->parts = *parts;
    auths->work.share = parts->config->signature_share;
    open_sets(auths, before);
    for (size_t i = 0; i < parts->config->service_count; i++)
        change_service(auths, i);
    for (size_t i = 0; i < CONFIG_MAX_TOKEN_KEYS; i++) {
        if (before[i])
            auth_jwks_retire(before[i]);
    }
}

void worker_auths_abandon(struct worker_auths *auths)
{
    for (size_t i = 0; i < auths->parts.config->service_count; i++) {
        if (auths->https[i])
            outbound_http_abandon(auths->https[i]);
    }
}

void worker_auths_free(struct worker_auths *auths)
{
    if (!auths)
        return;
    for (size_t i = 0; i < auths->parts.config->service_count; i++) {
        auth_free(auths->auths[i]);
        outbound_http_free(auths->https[i]);
    }
    for (size_t i = 0; i < auths->parts.config->token_key_count; i++)
        auth_jwks_free(auths->sets[i]);
    free(auths);
}

struct auth *const *worker_auths_list(const struct worker_auths *auths)
{
    return auths->auths;
}
