/* SPDX-License-Identifier: Apache-2.0 */
/* The console, a page for who operates the server, and what it asks before all else: what the key
 * that was shown may do. The files are no secret: what they show they ask with a key. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "api/exchange.h"
#include "api/guard.h"
#include "api/reply.h"
#include "auth/credential.h"
#include "base/json.h"
#include "base/text.h"
#include "h2/certificate.h"
#include "h2/session.h"
#include "h2/static.h"
#include "h2/stream.h"
#include "inspect/routes.h"
#include "sse/service.h"

/* Nothing from elsewhere, nothing inline, and in nobody's frame. */
static const struct h2_field fields[] = {
    {"content-security-policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
     "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
    {"referrer-policy", "no-referrer"},
    {"cross-origin-opener-policy", "same-origin"},
    {"cross-origin-resource-policy", "same-origin"},
};

static bool is_local_name(const char *host)
{
    const char *end = strrchr(host, '.');

    return strcmp(end ? end + 1 : host, "localhost") == 0;
}

static bool is_among(const char *names, const char *host)
{
    struct word word;

    while (words_next(&names, &word)) {
        if (word.length == strlen(host) && strncasecmp(word.text, host, word.length) == 0)
            return true;
    }
    return false;
}

/* A name that somebody else has may lead here as well (DNS rebinding), and whoever has the name has
 * what its pages keep. An address is nobody's name. */
static bool is_own_host(const struct api_exchange *exchange)
{
    const struct h2_session *session = h2_stream_session(exchange->stream);
    char host[H2_TLS_HOST_SIZE];

    return h2_tls_host_of(exchange->request->authority, host) &&
           (h2_tls_is_address(host) || is_local_name(host) || h2_session_has_name(session, host) ||
            is_among(exchange->api->settings->console_hosts, host));
}

void inspect_handle_console(struct api_exchange *exchange)
{
    const char *path = exchange->path ? exchange->path : "index.html";
    char name[sizeof("console/") + H2_ROUTE_MAX_VARIABLE];
    const struct h2_asset *asset;

    if (!is_own_host(exchange)) {
        api_reply_error(exchange, 421,
                        "the console does not answer as \"%.100s\"; ask by an address, as "
                        "localhost, by a name of the listener's certificate, or add the name to "
                        "console.hosts in the configuration",
                        exchange->request->authority);
        return;
    }
    snprintf(name, sizeof(name), "console/%s", path);
    asset = h2_asset_find(name);
    if (asset)
        h2_static_respond(exchange->stream, asset, "no-cache", fields, COUNT(fields));
    else
        api_reply_error(exchange, 404, "the console has no such file; it is at /console");
}

static json_t *permissions_of(unsigned permissions)
{
    json_t *words = json_array();

    for (unsigned i = 0; auth_permission_words[i]; i++) {
        if (permissions & 1u << i)
            json_array_append_new(words, json_string(auth_permission_words[i]));
    }
    return words;
}

static json_t *services_of(const struct api_exchange *exchange)
{
    const struct api_settings *settings = exchange->api->settings;
    json_t *services = json_array();

    for (size_t i = 0; i < settings->service_count; i++) {
        const struct sse_service_settings *core = settings->services[i].core;

        if (exchange->services & UINT64_C(1) << i)
            json_array_append_new(
                services,
                json_pack("{s:s,s:s,s:s}", "name", core->name, "path", core->base_path,
                          "usersUnique",
                          core->users_unique == SSE_UNIQUE_IN_TENANT ? "tenant" : "service"));
    }
    return services;
}

/* What the API key of the request may do, and where. */
void inspect_handle_access(struct api_exchange *exchange)
{
    const struct api_settings *settings = exchange->api->settings;
    const int index = auth_api_keys_find(settings->keys, guard_credential(exchange));

    api_reply_json(exchange,
                   json_pack("{s:s,s:o,s:b,s:o,s:o,s:s,s:s}", "key",
                             index >= 0 ? settings->keys->keys[index].name : "", "permissions",
                             permissions_of(exchange->permissions), "allServices",
                             exchange->services == AUTH_ALL_SERVICES, "services",
                             services_of(exchange), "tenants",
                             exchange->tenants ? json_words(exchange->tenants) : json_null(),
                             "version", settings->version, "serverId", settings->server_id));
}

/* False: it has answered. what: of all services. */
static bool is_for_all(struct api_exchange *exchange, const char *what)
{
    if (exchange->services == AUTH_ALL_SERVICES)
        return true;
    api_reply_error(exchange, 403,
                    "the %s are those of all services, and this API key is for some; use one whose "
                    "services are []",
                    what);
    return false;
}

/* Of all listeners, as they are shown. */
void inspect_handle_certificates(struct api_exchange *exchange)
{
    const struct api_host *host = &exchange->api->host;
    struct buf list = BUF_INIT;

    if (!is_for_all(exchange, "certificates"))
        return;
    host->show_certificates(host->context, &list);
    api_reply_data(exchange, &list);
}

/* Those in use, of the whole server, without what is secret. */
void inspect_handle_settings(struct api_exchange *exchange)
{
    struct buf text = BUF_INIT;

    if (!is_for_all(exchange, "settings"))
        return;
    buf_append_str(&text, exchange->api->settings->shown);
    api_reply_text(exchange, "application/json", &text);
}
