/* SPDX-License-Identifier: Apache-2.0 */
#include "api/guard.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/exchange.h"
#include "api/reply.h"
#include "auth/credential.h"
#include "base/mem.h"
#include "base/text.h"
#include "h2/stream.h"
#include "sse/target.h"

const char *const guard_refusal_words[GUARD_REFUSALS] = {
    [GUARD_NO_CREDENTIAL] = "no-credential",
    [GUARD_MALFORMED] = "malformed",
    [GUARD_UNKNOWN] = "unknown",
    [GUARD_PERMISSION] = "permission",
    [GUARD_SERVICE] = "service",
    [GUARD_TENANT] = "tenant",
    [GUARD_BUSY] = "busy",
};

/* RFC 6750, section 3.1. */
static const char *challenge_of(enum guard_refusal reason)
{
    switch (reason) {
    case GUARD_UNKNOWN:
        return "Bearer error=\"invalid_token\"";
    case GUARD_PERMISSION:
    case GUARD_SERVICE:
        return "Bearer error=\"insufficient_scope\"";
    default:
        return "Bearer";
    }
}

static __attribute__((format(printf, 3, 4))) bool
refuse(struct api_exchange *exchange, enum guard_refusal reason, const char *format, ...)
{
    const struct h2_field challenge = {"www-authenticate", challenge_of(reason)};
    bool is_known = reason == GUARD_PERMISSION || reason == GUARD_SERVICE;
    char detail[320];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(detail, sizeof(detail), format, arguments);
    va_end(arguments);
    exchange->api->guard.refused[reason]++;
    exchange->rule = guard_refusal_words[reason];
    api_reply_error_with(exchange, is_known ? 403 : 401, &challenge, detail);
    return false;
}

bool tenancy_refuse(struct api_exchange *exchange, const char *instead)
{
    exchange->api->guard.refused[GUARD_TENANT]++;
    exchange->rule = guard_refusal_words[GUARD_TENANT];
    api_reply_error(exchange, 403,
                    "this API key is for the tenants %.200s only (apiKeys[].tenants); %s",
                    exchange->tenants, instead);
    return false;
}

/* As far as its target. */
static bool tenancy_admits(struct api_exchange *exchange, const struct auth_api_key *key)
{
    const enum tenancy tenancy = exchange->endpoint->tenancy;
    const char *tenant = h2_form_get(&exchange->query, "tenantId");

    if (*key->tenants == '\0')
        return true;
    exchange->tenants = mem_strdup(key->tenants); /* a reload may replace the key */
    if (tenancy == TENANCY_BY_TARGET || tenancy == TENANCY_BY_HANDLER)
        return true;
    if (tenancy == TENANCY_OF_PROCESS)
        return tenancy_refuse(exchange, "what this path shows is of the whole process, in which no "
                                        "tenant is told apart: use a key without tenants");
    if (tenancy == TENANCY_NONE)
        return tenancy_refuse(exchange,
                              "this path cannot be narrowed to them: use a key without tenants");
    if (!tenant || !words_have(exchange->tenants, tenant))
        return tenancy_refuse(exchange, "ask for one of them: tenantId=…");
    return true;
}

/* What lies outside of every service is for every key with the permission. */
static bool is_for_service(const struct api_service *service, const struct auth_api_key *key)
{
    return !service || (key->services & UINT64_C(1) << service->index) != 0;
}

static void note_sender(struct api_exchange *exchange, const char *name)
{
    const size_t length = name ? strnlen(name, sizeof(exchange->sender) - 1) : 0;

    if (length > 0)
        memcpy(exchange->sender, name, length);
    exchange->sender[length] = '\0';
}

static bool admits_key(struct api_exchange *exchange, size_t index)
{
    const struct auth_api_key *key = &exchange->api->settings->keys->keys[index];
    const char *permission = auth_permission_word(exchange->endpoint->permission);

    note_sender(exchange, key->name);
    api_audit_note_key(exchange, key->name);
    if ((key->permissions & exchange->endpoint->permission) == 0)
        return refuse(exchange, GUARD_PERMISSION,
                      "the API key \"%s\" lacks the permission %s, which this path needs; use "
                      "another key, or add %s to its permissions in the configuration",
                      key->name, permission, permission);
    if (!is_for_service(exchange->service, key))
        return refuse(exchange, GUARD_SERVICE,
                      "the API key \"%s\" is not for the service \"%s\"; use another key, or add "
                      "%s to its services in the configuration",
                      key->name, exchange->service->settings->core->name,
                      exchange->service->settings->core->name);
    if (!tenancy_admits(exchange, key))
        return false;
    exchange->permissions = key->permissions;
    exchange->services = key->services;
    exchange->api->guard.by_key[index]++;
    return true;
}

/* The token's permissions; what is wrong with the others. */
static enum auth_verdict check_token(const struct api_exchange *exchange, const char *token,
                                     unsigned *permissions, char **subject)
{
    struct auth *auth = exchange->service ? exchange->service->auth : NULL;
    char address[CLIENT_ADDRESS_SIZE];
    char customer[CLIENT_ADDRESS_SIZE];

    if (!auth || !auth->ops->check_back_end)
        return AUTH_BAD;
    client_address_of(exchange, address);
    networks_customer(address, customer);
    return auth->ops->check_back_end(auth, token, customer, permissions, subject);
}

static bool refuse_busy(struct api_exchange *exchange)
{
    exchange->api->guard.refused[GUARD_BUSY]++;
    exchange->rule = guard_refusal_words[GUARD_BUSY];
    api_reply_error(exchange, 503,
                    "this token cannot be looked at now: its key is being read, or too many tokens "
                    "with wrong signatures have come lately, or there is no memory; use an API "
                    "key, or come again in a few seconds");
    return false;
}

static bool admits_token(struct api_exchange *exchange, const char *token)
{
    const char *permission = auth_permission_word(exchange->endpoint->permission);
    unsigned permissions = 0;
    enum auth_verdict verdict =
        check_token(exchange, token, &permissions, &exchange->audit.subject);

    note_sender(exchange, exchange->audit.subject);
    if (verdict == AUTH_BUSY)
        return refuse_busy(exchange);
    if (verdict != AUTH_OK && verdict != AUTH_DENIED)
        return refuse(exchange, GUARD_UNKNOWN,
                      exchange->service
                          ? "the authorization field holds neither an API key that is configured "
                            "here nor a valid token of this service"
                          : "the authorization field holds no API key that is configured here");
    if (verdict == AUTH_DENIED || (permissions & exchange->endpoint->permission) == 0)
        return refuse(
            exchange, GUARD_PERMISSION,
            "the token lacks the permission %s, which this path needs; use an API key, or "
            "a token whose claim permissions has %s",
            permission, permission);
    exchange->permissions = permissions;
    exchange->api->guard.by_token++;
    return true;
}

static int find_key(const struct api *api, const char *token)
{
    return auth_api_keys_find(api->settings->keys, token);
}

bool guard_admits(struct api_exchange *exchange)
{
    const char *authorization = h2_request_header(exchange->request, "authorization");
    const char *token;
    int index;

    if (!authorization)
        return refuse(exchange, GUARD_NO_CREDENTIAL,
                      "this path is for back ends: send the field \"authorization: Bearer …\" with "
                      "one of the configured API keys");
    token = auth_bearer_token(authorization);
    if (!token)
        return refuse(exchange, GUARD_MALFORMED,
                      "the authorization field must be \"Bearer\", a space and a key without "
                      "white space");
    index = find_key(exchange->api, token);
    if (index == -ENOMEM)
        return refuse_busy(exchange);
    return index >= 0 ? admits_key(exchange, (size_t)index) : admits_token(exchange, token);
}

bool guard_knows(const struct api_exchange *exchange)
{
    const char *token = guard_credential(exchange);
    unsigned permissions = 0;

    return token && (find_key(exchange->api, token) >= 0 ||
                     check_token(exchange, token, &permissions, NULL) == AUTH_OK);
}

const char *guard_credential(const struct api_exchange *exchange)
{
    const char *authorization = h2_request_header(exchange->request, "authorization");

    return authorization ? auth_bearer_token(authorization) : NULL;
}

const char *guard_token(const struct api_exchange *exchange)
{
    const char *token = guard_credential(exchange);

    return token && find_key(exchange->api, token) < 0 ? token : NULL;
}

bool guard_still_admits(const struct api_service *service, const char *credential,
                        enum auth_permission permission, const char *tenants)
{
    const struct auth_api_keys *keys = service->api->settings->keys;
    const int index = find_key(service->api, credential);
    unsigned permissions = 0;
    enum auth_verdict verdict;

    if (index >= 0) {
        const struct auth_api_key *key = &keys->keys[index];

        return (key->permissions & permission) != 0 &&
               strcmp(key->tenants, tenants ? tenants : "") == 0 && is_for_service(service, key);
    }
    if (!service->auth->ops->check_back_end)
        return false;
    verdict =
        service->auth->ops->check_back_end(service->auth, credential, NULL, &permissions, NULL);
    return verdict == AUTH_BUSY || (verdict == AUTH_OK && (permissions & permission) != 0);
}

void guard_counters_change(struct guard_counters *counters, const struct auth_api_keys *before,
                           const struct auth_api_keys *keys)
{
    uint64_t by_key[AUTH_MAX_API_KEYS] = {0};

    for (size_t i = 0; i < keys->count; i++) {
        for (size_t j = 0; j < before->count; j++) {
            if (strcmp(keys->keys[i].name, before->keys[j].name) == 0)
                by_key[i] = counters->by_key[j];
        }
    }
    memcpy(counters->by_key, by_key, sizeof(by_key));
}

static bool is_of_tenants(const char *tenants, const struct sse_target *target, size_t index)
{
    char *tenant = sse_target_tenant(target->dimension, target->values[index]);
    const bool is_so = tenant && words_have(tenants, tenant);

    free(tenant);
    return is_so;
}

bool tenancy_covers(const char *tenants, const struct sse_target *target)
{
    bool is_covered = target->dimension != SSE_ALL;

    for (size_t i = 0; is_covered && i < target->count; i++)
        is_covered = is_of_tenants(tenants, target, i);
    return is_covered;
}

void tenancy_refuse_target(struct api_exchange *exchange)
{
    (void)tenancy_refuse(exchange, "its targets are tenantId, or userId with tenantId beside it");
}

bool tenancy_admits_target(struct api_exchange *exchange, const struct sse_target *target)
{
    if (!exchange->tenants || tenancy_covers(exchange->tenants, target))
        return true;
    tenancy_refuse_target(exchange);
    return false;
}
