/* SPDX-License-Identifier: Apache-2.0 */
#include "server/announce.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "auth/key_hash.h"
#include "base/log.h"
#include "h2/listener.h"
#include "server/config.h"
#include "server/preflight.h"
#include "server/version.h"

static const char *scheme(const struct config_listener *listener)
{
    return listener->tls ? "https://" : "http://";
}

/* The first listener that a browser on this machine can be sent to; NULL when there is none. */
static const struct config_listener *browsable(const struct config *config,
                                               const struct h2_bound *bound, const char **text)
{
    for (size_t i = 0; i < config->listener_count; i++) {
        if (!config->listeners[i].tls || config->listeners[i].proxy_protocol ||
            h2_address_unix_path(bound[i].text))
            continue;
        *text = bound[i].text;
        return &config->listeners[i];
    }
    return NULL;
}

/* One that may be shown: of some there is only a hash. */
static const char *known_key(const struct config *config)
{
    for (size_t i = 0; i < config->api_key_count; i++) {
        const char *key = config->api_keys[i].key;

        if (*key != '\0' && !auth_key_hash_is_text(key))
            return key;
    }
    return "YOUR-API-KEY";
}

static void show_demo(const struct config *config, const char *place)
{
    const char *base = config->services[0].settings.base_path;
    const char *key = known_key(config);

    printf(
        "\n"
        "  Open     https://%s/#key=%s\n"
        "           (the certificate is made for development: accept the browser's warning)\n"
        "  API key  %s\n"
        "\n"
        "  Listen   curl --http2 -k -N 'https://%s%s/connect?userId=7&name=Ann&listeners=hello'\n"
        "  Send     curl --http2 -k -H 'Authorization: Bearer %s' -H 'content-type: "
        "application/json' \\\n"
        "             -d '{\"event\":\"hello\",\"data\":{\"n\":1},\"userId\":\"7\"}' "
        "https://%s%s/send\n\n",
        place, key, key, place, base, key, place, base);
    (void)fflush(stdout);
}

void announce(const struct config *config, const struct h2_bound *bound, size_t workers)
{
    const char *place = NULL;
    bool is_shown = config->demo && browsable(config, bound, &place);

    for (size_t i = 0; i < config->listener_count; i++)
        log_info("listening", LOG_STR("scheme", scheme(&config->listeners[i])),
                 LOG_STR("address", bound[i].text));
    for (size_t i = 0; i < config->service_count; i++) {
        if (!preflight_can_send(config, i) && !preflight_has_permissions(&config->services[i]))
            log_warn("nobody can send to this service: no API key has the permission",
                     LOG_STR("service", config->services[i].settings.name));
        log_info("service", LOG_STR("name", config->services[i].settings.name),
                 LOG_STR("path", config->services[i].settings.base_path));
    }
    log_info("ready", LOG_STR("version", server_version), LOG_INT("workers", workers),
             LOG_INT("pid", getpid()));
    if (is_shown)
        show_demo(config, place);
}
