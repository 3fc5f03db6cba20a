/* SPDX-License-Identifier: Apache-2.0 */
#include "server/worker_auths.h"

#include <stdlib.h>

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

static struct auth *make_jwt(struct worker_auths *auths, size_t service)
{
    const struct worker_auths_parts *parts = &auths->parts;
    const struct config *config = parts->config;
    struct auth_jwks *sets[CONFIG_MAX_TOKEN_KEYS];
    struct auth_jwt_sources sources = {
        .keys = parts->token_keys[service], .sets = sets, .work = &auths->work};

    for (size_t i = 0; i < config->token_key_count; i++) {
        if (auths->sets[i] && config_token_key_is_for(config, &config->token_keys[i], service))
            sets[sources.set_count++] = auths->sets[i];
    }
    return auth_jwt_new(&config->services[service].jwt, &sources, parts->loop);
}

static struct auth *make_webhook(struct worker_auths *auths, size_t service)
{
    const struct worker_auths_parts *parts = &auths->parts;
    const struct config_service *config = &parts->config->services[service];
    struct auth_webhook_settings settings = config->auth_webhook;
    struct outbound_http_settings outbound = *parts->outbound;

    settings.service = config->settings.name;
    settings.secret = config->webhook_secret;
    outbound.in_flight = settings.in_flight;
    outbound.waiting = settings.waiting;
    auths->https[service] = outbound_http_new(parts->loop, &outbound);
    if (!auths->https[service])
        return NULL;
    return auth_webhook_new(&settings, parts->loop, auths->https[service]);
}

static struct auth *make(struct worker_auths *auths, size_t service)
{
    switch (auths->parts.config->services[service].auth) {
    case CONFIG_AUTH_JWT:
        return make_jwt(auths, service);
    case CONFIG_AUTH_WEBHOOK:
        return make_webhook(auths, service);
    case CONFIG_AUTH_DEVELOPMENT:
        break;
    }
    return auth_development_new();
}

static void open_sets(struct worker_auths *auths)
{
    const struct worker_auths_parts *parts = &auths->parts;

    for (size_t i = 0; i < parts->config->token_key_count; i++) {
        const struct config_token_key *key = &parts->config->token_keys[i];
        const struct auth_jwks_settings settings = {key->jwks, key->refresh_ms};

        if (*key->jwks != '\0')
            auths->sets[i] = auth_jwks_new(&settings, parts->loop, parts->http);
    }
}

struct worker_auths *worker_auths_new(const struct worker_auths_parts *parts)
{
    struct worker_auths *auths = mem_zalloc(sizeof(*auths));

    auths->parts = *parts;
    auth_work_init(&auths->work, parts->config->signature_share);
    open_sets(auths);
    for (size_t i = 0; i < parts->config->service_count; i++) {
        auths->auths[i] = make(auths, i);
        if (!auths->auths[i]) {
            worker_auths_free(auths);
            return NULL;
        }
    }
    return auths;
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
