/* SPDX-License-Identifier: Apache-2.0 */
#include "server/worker_auths.h"

#include <stdlib.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/jwks.h"
#include "auth/jwt.h"
#include "auth/standing.h"
#include "auth/webhook.h"
#include "base/mem.h"
#include "outbound/http.h"
#include "server/config.h"
#include "server/config_parts.h"

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

/* Makes it, or changes the one that is there. */
static void set_jwt(struct worker_auths *auths, size_t service)
{
    const struct config_service *config = &auths->parts.config->services[service];
    struct auth_jwks *sets[CONFIG_MAX_TOKEN_KEYS];
    const struct auth_jwt_sources sources = sources_of(auths, service, sets);
    struct auth_jwt_settings settings = config->jwt;

    settings.claims.of_tenant = is_of_tenant(config);
    settings.awaits_revocations = config->store == CONFIG_STORE_SQLITE;
    if (auths->auths[service])
        auth_jwt_change(auths->auths[service], &settings, &sources);
    else
        auths->auths[service] = auth_jwt_new(&settings, &sources, auths->parts.loop);
}

/* The same, with connections of its own. */
static void set_webhook(struct worker_auths *auths, size_t service)
{
    const struct worker_auths_parts *parts = &auths->parts;
    const struct config_service *config = &parts->config->services[service];
    struct auth_webhook_settings settings = config->auth_webhook;
    struct outbound_http_settings outbound = *parts->outbound;

    settings.service = config->settings.name;
    settings.secret = config->api.broker.webhook_secret;
    settings.of_tenant = is_of_tenant(config);
    outbound.in_flight = settings.in_flight;
    outbound.waiting = settings.waiting;
    outbound.files = parts->files;
    if (auths->auths[service]) {
        outbound_http_change(auths->https[service], &outbound);
        auth_webhook_change(auths->auths[service], &settings);
        return;
    }
    auths->https[service] = outbound_http_new(parts->loop, &outbound);
    if (auths->https[service])
        auths->auths[service] = auth_webhook_new(&settings, parts->loop, auths->https[service]);
}

/* False: it cannot be made. */
static bool set_auth(struct worker_auths *auths, size_t service)
{
    const struct config_service *config = &auths->parts.config->services[service];

    if (config->auth == CONFIG_AUTH_JWT)
        set_jwt(auths, service);
    else if (config->auth == CONFIG_AUTH_WEBHOOK)
        set_webhook(auths, service);
    else if (!auths->auths[service])
        auths->auths[service] = auth_development_new(is_of_tenant(config));
    return auths->auths[service] != NULL;
}

/* One of these that is of the same place, which is taken out; NULL: there is none. */
static struct auth_jwks *take_set(struct auth_jwks *sets[CONFIG_MAX_TOKEN_KEYS], const char *place)
{
    for (size_t i = 0; i < CONFIG_MAX_TOKEN_KEYS; i++) {
        struct auth_jwks *set = sets[i];

        if (!set || strcmp(set->settings.place, place) != 0)
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
        if (!set_auth(auths, i)) {
            worker_auths_free(auths);
            return NULL;
        }
    }
    return auths;
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
        (void)set_auth(auths, i); /* is there */
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

void worker_auths_count(const struct worker_auths *auths, struct outbound_http_counters *sum)
{
    for (size_t i = 0; i < auths->parts.config->service_count; i++) {
        if (auths->https[i])
            outbound_http_count(auths->https[i], sum);
    }
}

struct auth *const *worker_auths_list(const struct worker_auths *auths)
{
    return auths->auths;
}
