/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config_warn.h"

#include <stdbool.h>
#include <string.h>

#include "base/words.h"
#include "server/config.h"
#include "server/config_pairs.h"

/* What a message has beside its data: names, the id, a receipt, one recipient. */
#define REST_OF_MESSAGE ((size_t)4 * 1024)

static void warn_of_strict_binding(const struct config_service *service, size_t index, FILE *to)
{
    if (service->session_binding_strict)
        fprintf(to,
                "warning: services[%zu].sessionBindingStrict: WebKit, and proxies that fill "
                "connections with the streams of several browsers, bring a page's calls by "
                "another connection than its stream; without a cookie each of them is refused\n",
                index);
}

/* Data comes in a body, with the rest of its message. */
static void warn_of_small_bodies(const struct config_service *service, size_t index, FILE *to)
{
    const size_t data = service->settings.event_data_bytes;

    if (service->json_body_bytes < data + REST_OF_MESSAGE)
        fprintf(to,
                "warning: services[%zu].jsonBodyBytes: %zu bytes are too few for a message with "
                "eventDataBytes (%zu) of data, which gets 413; give it at least %zu, and more for "
                "texts that need escapes\n",
                index, service->json_body_bytes, data, data + REST_OF_MESSAGE);
}

static void warn_of_no_tenants(const struct config_service *service, size_t index, FILE *to)
{
    if (service->auth == CONFIG_AUTH_JWT && *service->jwt.claims.tenant_id == '\0')
        fprintf(to,
                "warning: services[%zu].users.unique: tenant, but jwt.tenantId is \"\", so that no "
                "user has a tenant; name the claim that has it\n",
                index);
}

static bool has(const struct word *pattern, const char *placeholder)
{
    return memmem(pattern->text, pattern->length, placeholder, strlen(placeholder)) != NULL;
}

static void warn_of_shared_channels(const struct config_service *service, size_t index, FILE *to)
{
    const char *patterns = service->channel_patterns;
    struct word pattern;

    while (words_next(&patterns, &pattern)) {
        if (has(&pattern, "{userId}") && !has(&pattern, "{tenantId}"))
            fprintf(to,
                    "warning: services[%zu].channels.allow: with users.unique: tenant users of two "
                    "tenants share \"%.*s\"; write {tenantId}, too\n",
                    index, (int)pattern.length, pattern.text);
    }
}

void config_warn(const struct config *config, FILE *to)
{
    config_warn_of_pairs(config, to);
    for (size_t i = 0; i < config->service_count; i++) {
        const struct config_service *service = &config->services[i];

        warn_of_strict_binding(service, i, to);
        warn_of_small_bodies(service, i, to);
        if (service->settings.users_unique == SSE_UNIQUE_IN_TENANT) {
            warn_of_no_tenants(service, i, to);
            warn_of_shared_channels(service, i, to);
        }
    }
}
