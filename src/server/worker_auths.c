/* SPDX-License-Identifier: Apache-2.0 */
#include "server/worker_auths.h"

#include <stdlib.h>

#include "auth/auth.h"
#include "auth/jwks.h"
#include "auth/jwt_backend.h"
#include "base/mem.h"
#include "server/config.h"
#include "server/config_token_keys.h"

struct worker_auths {
    const struct config *config;
    struct auth *auths[CONFIG_MAX_SERVICES];
    struct auth_jwks *sets[CONFIG_MAX_TOKEN_KEYS]; /* NULL: that one is a key */
};

static struct auth *make_jwt(const struct worker_auths *auths, size_t service,
                             const struct auth_jwt_keys *keys, struct loop *loop)
{
    const struct config *config = auths->config;
    struct auth_jwks *sets[CONFIG_MAX_TOKEN_KEYS];
    struct auth_jwt_sources sources = {.keys = keys, .sets = sets};

    for (size_t i = 0; i < config->token_key_count; i++) {
        if (auths->sets[i] && config_token_key_is_for(config, &config->token_keys[i], service))
            sets[sources.set_count++] = auths->sets[i];
    }
    return auth_jwt_new(&config->services[service].jwt, &sources, loop);
}

static void open_sets(struct worker_auths *auths, struct loop *loop, struct outbound_http *http)
{
    for (size_t i = 0; i < auths->config->token_key_count; i++) {
        const struct config_token_key *key = &auths->config->token_keys[i];
        const struct auth_jwks_settings settings = {key->jwks, key->refresh_ms};

        if (*key->jwks != '\0')
            auths->sets[i] = auth_jwks_new(&settings, loop, http);
    }
}

struct worker_auths *worker_auths_new(const struct config *config,
                                      struct auth_jwt_keys *const *token_keys, struct loop *loop,
                                      struct outbound_http *http)
{
    struct worker_auths *auths = mem_zalloc(sizeof(*auths));

    auths->config = config;
    open_sets(auths, loop, http);
    for (size_t i = 0; i < config->service_count; i++) {
        if (config->services[i].auth == CONFIG_AUTH_JWT)
            auths->auths[i] = make_jwt(auths, i, token_keys[i], loop);
        else
            auths->auths[i] = auth_development_new();
    }
    return auths;
}

void worker_auths_free(struct worker_auths *auths)
{
    if (!auths)
        return;
    for (size_t i = 0; i < auths->config->service_count; i++)
        auth_free(auths->auths[i]);
    for (size_t i = 0; i < auths->config->token_key_count; i++)
        auth_jwks_free(auths->sets[i]);
    free(auths);
}

struct auth *const *worker_auths_list(const struct worker_auths *auths)
{
    return auths->auths;
}
