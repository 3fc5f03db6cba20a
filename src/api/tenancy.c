/* SPDX-License-Identifier: Apache-2.0 */
#include "api/tenancy.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/exchange.h"
#include "api/handlers.h"
#include "api/reply.h"
#include "auth/api_key.h"
#include "base/mem.h"
#include "base/words.h"
#include "sse/target.h"

enum tenancy {
    TENANCY_NONE,       /* nobody has decided: not for keys with tenants */
    TENANCY_OF_PROCESS, /* nor is this: it is about all of the process */
    TENANCY_BY_TARGET,  /* tenancy_admits_target() decides */
    TENANCY_BY_QUERY,   /* the query has a tenantId, which narrows it */
    TENANCY_BY_HANDLER  /* the handler shows what is of exchange->tenants */
};

static enum tenancy tenancy_of(const struct api_endpoint *endpoint)
{
    static const struct {
        void (*handle)(struct api_exchange *exchange);
        enum tenancy tenancy;
    } rows[] = {
        {api_handle_send, TENANCY_BY_TARGET},
        {api_handle_set_duration, TENANCY_BY_TARGET},
        {api_handle_disconnect_user, TENANCY_BY_TARGET},
        {api_handle_connections, TENANCY_BY_QUERY},
        {api_handle_java_connections, TENANCY_BY_QUERY},
        {api_handle_counts, TENANCY_BY_QUERY},
        {api_handle_user_ids, TENANCY_BY_QUERY},
        {api_handle_tenant_ids, TENANCY_BY_QUERY},
        {api_handle_channels, TENANCY_BY_QUERY},
        {api_handle_access_tokens, TENANCY_BY_QUERY},
        {api_handle_users, TENANCY_BY_QUERY},
        {api_handle_java_users, TENANCY_BY_QUERY},
        {api_handle_online, TENANCY_BY_QUERY},
        {api_handle_messages, TENANCY_BY_HANDLER},
        {api_handle_java_messages, TENANCY_BY_HANDLER},
        {api_handle_message_state, TENANCY_BY_HANDLER},
        {api_handle_delete_messages, TENANCY_BY_HANDLER},
        {api_handle_delete_message, TENANCY_BY_HANDLER},
        {api_handle_presence, TENANCY_BY_HANDLER},
        {api_handle_metrics, TENANCY_OF_PROCESS},
        {api_handle_settings, TENANCY_OF_PROCESS},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].handle == endpoint->handle)
            return rows[i].tenancy;
    }
    return TENANCY_NONE;
}

bool tenancy_refuse(struct api_exchange *exchange, const char *instead)
{
    exchange->api->guard.refused[GUARD_TENANT]++;
    api_reply_error(exchange, 403,
                    "this API key is for the tenants %.200s only (apiKeys[].tenants); %s",
                    exchange->tenants, instead);
    return false;
}

bool tenancy_admits(struct api_exchange *exchange, const struct auth_api_key *key)
{
    const enum tenancy tenancy = tenancy_of(exchange->endpoint);
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
