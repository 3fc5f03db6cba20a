/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold between settings, or between a setting and the machine. */
#include "server/config_check.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/envelope.h"
#include "api/origins.h"
#include "base/networks.h"
#include "base/words.h"
#include "h2/listener.h"
#include "server/config.h"
#include "server/config_api_keys.h"
#include "server/config_auth_webhook.h"
#include "server/config_compat.h"
#include "server/config_fault.h"
#include "server/config_keys.h"
#include "server/config_pairs.h"
#include "server/config_qos.h"
#include "server/config_source.h"
#include "server/config_tls.h"
#include "server/config_token_keys.h"
#include "server/config_webhooks.h"
#include "server/drain.h"
#include "server/socket_rights.h"

static int check_networks(const struct config_subject *subject, const char *key, const char *text)
{
    char fault[240] = "";
    struct networks *networks = networks_new(text, fault, sizeof(fault));

    if (!networks)
        return config_check_fail(subject, key, "%s", fault);
    networks_free(networks);
    return 0;
}

static int check_proxy_protocol(const struct config_subject *subject,
                                const struct config_listener *listener)
{
    if (*listener->proxy_from != '\0' && !listener->proxy_protocol)
        return config_check_fail(
            subject, "proxyFrom",
            "has no use without proxyProtocol; leave it out, or set proxyProtocol: true");
    return check_networks(subject, "proxyFrom", listener->proxy_from);
}

/* RFC 6797, section 6.1, in the forms that browsers know. */
static bool is_transport_security(const char *text)
{
    static const char age[] = "max-age=";
    static const char *const more[] = {"; includeSubDomains", "; preload"};
    size_t digits;

    if (strncmp(text, age, strlen(age)) != 0)
        return false;
    text += strlen(age);
    digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 10)
        return false;
    text += digits;
    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
        if (strncmp(text, more[i], strlen(more[i])) == 0)
            text += strlen(more[i]);
    }
    return *text == '\0';
}

static int check_transport_security(const struct config_subject *subject,
                                    const struct config_listener *listener)
{
    static const char key[] = "strictTransportSecurity";

    if (*listener->transport_security == '\0')
        return 0;
    if (!listener->tls)
        return config_check_fail(subject, key,
                                 "has no use without TLS; leave it out, or set tls: true");
    if (is_transport_security(listener->transport_security))
        return 0;
    return config_check_fail(subject, key,
                             "\"%.60s\" is none; write max-age= and seconds, and behind it \"; "
                             "includeSubDomains\" and \"; preload\" if that is meant",
                             listener->transport_security);
}

static bool has_development_auth(const struct config *config)
{
    for (size_t i = 0; i < config->service_count; i++) {
        if (config->services[i].auth == CONFIG_AUTH_DEVELOPMENT)
            return true;
    }
    return false;
}

/* Port 0 is another one each time. */
static bool has_any_port(const char *address)
{
    const char *colon = strrchr(address, ':');

    return colon && strcmp(colon, ":0") == 0;
}

static int check_listener(const struct config_subject *subject,
                          const struct config_listener *listener)
{
    const char *wrong;
    bool local = false;
    char fault[160];
    int rc = 0;

    if (h2_address_is_local(listener->address, &local) != 0)
        return config_check_fail(
            subject, "address",
            "\"%.100s\" is no address; use one such as 127.0.0.1:8443, [::1]:8443, *:8443, "
            "localhost:8443 or unix:/run/sse.sock",
            listener->address);
    wrong = socket_rights_check(listener, fault, sizeof(fault));
    if (wrong)
        return config_check_fail(subject, wrong, "%s", fault);
    for (size_t i = 0; i < subject->index; i++) {
        if (strcmp(subject->config->listeners[i].address, listener->address) == 0 &&
            !has_any_port(listener->address))
            return config_check_fail(subject, "address",
                                     "\"%.100s\" is that of listeners[%zu] too; keep one",
                                     listener->address, i);
    }
    if (!local && !subject->config->allow_development_remote &&
        has_development_auth(subject->config))
        return config_check_fail(
            subject, "address",
            "\"%.100s\" can be reached from other machines, and auth development believes "
            "anyone; listen on localhost, or set allowDevelopmentRemote: true",
            listener->address);
    if (listener->role == API_ROLE_ADMIN && !listener->tls && !local)
        return config_check_fail(
            subject, "tls",
            "false would send API keys in clear text over the network to "
            "\"%.100s\"; set tls: true, or listen on localhost or a unix socket",
            listener->address);
    rc = check_transport_security(subject, listener);
    if (rc == 0)
        rc = check_proxy_protocol(subject, listener);
    return rc == 0 ? config_check_listener_tls(subject, listener) : rc;
}

static int check_name(const struct config_subject *subject, const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";

    if (*name == '\0')
        return config_check_fail(subject, "name", "is missing; give one of a-z, 0-9, _ and -");
    if (name[strspn(name, allowed)] != '\0')
        return config_check_fail(subject, "name",
                                 "\"%.70s\" is no name; use a-z, 0-9, _ and - only", name);
    return 0;
}

/* Whether path is base or lies below it. */
static bool is_below(const char *path, const char *base)
{
    size_t length = strlen(base);

    return strncmp(path, base, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

static bool is_plain_path(const char *path)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789_.~-/";

    if (path[0] != '/' || path[1] == '\0' || path[strlen(path) - 1] == '/')
        return false;
    if (path[strspn(path, allowed)] != '\0' || strstr(path, "//"))
        return false;
    for (const char *segment = path; (segment = strchr(segment, '/')); segment++) {
        size_t length = strcspn(segment + 1, "/");

        if (strspn(segment + 1, ".") == length && length <= 2)
            return false; /* "/." and "/.." never reach a route */
    }
    return true;
}

static int check_base_path(const struct config_subject *subject, const char *path)
{
    /* The demo page's files lie in the last one. */
    static const char *const ours[] = {"/health", "/metrics", "/openapi.yaml", "/demo"};
    size_t count = sizeof(ours) / sizeof(ours[0]) - (subject->config->demo ? 0 : 1);

    if (!is_plain_path(path))
        return config_check_fail(
            subject, "basePath",
            "\"%.100s\" is no base path; begin it with /, end it without, and use letters, "
            "digits, _ . ~ and - between, such as /sse/hr",
            path);
    for (size_t i = 0; i < count; i++) {
        if (is_below(path, ours[i]) || is_below(ours[i], path))
            return config_check_fail(subject, "basePath",
                                     "\"%.100s\" is where the server has its own %s; use "
                                     "another, such as /sse/hr",
                                     path, ours[i]);
    }
    return 0;
}

static int check_against(const struct config_subject *subject, const struct config_service *service,
                         size_t other_index)
{
    const struct config_service *other = &subject->config->services[other_index];
    const char *path = service->settings.base_path;
    const char *other_path = other->settings.base_path;

    if (strcmp(service->settings.name, other->settings.name) == 0)
        return config_check_fail(subject, "name", "\"%s\" is that of services[%zu] too; rename one",
                                 service->settings.name, other_index);
    if (is_below(path, other_path) || is_below(other_path, path))
        return config_check_fail(
            subject, "basePath",
            "\"%.60s\" and \"%.60s\" of services[%zu] overlap; neither may lie below the "
            "other",
            path, other_path, other_index);
    return 0;
}

static int check_origins(const struct config_subject *subject, const char *text)
{
    char fault[240] = "";
    struct origins *origins = origins_new(text, fault, sizeof(fault));

    if (!origins)
        return config_check_fail(subject, "origins", "%s", fault);
    origins_free(origins);
    return 0;
}

/* RFC 9110 5.6.2 */
#define TOKEN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~"

static int check_cors_headers(const struct config_subject *subject, const char *names)
{
    struct word word;

    while (words_next(&names, &word)) {
        if (strspn(word.text, TOKEN) < word.length)
            return config_check_fail(subject, "corsHeaders",
                                     "\"%.*s\" is no name of a header field; use one such as "
                                     "x-session, or * for any",
                                     word.length < 80 ? (int)word.length : 80, word.text);
    }
    return 0;
}

static int check_envelope(const struct config_subject *subject, const char *key, const char *text)
{
    char fault[240] = "";
    struct envelope *envelope = *text != '\0' ? envelope_new(text, fault, sizeof(fault)) : NULL;

    envelope_free(envelope);
    return *text == '\0' || envelope ? 0 : config_check_fail(subject, key, "%s", fault);
}

static bool shows_data(const char *text)
{
    char fault[240];
    struct envelope *envelope = envelope_new(text, fault, sizeof(fault));
    const bool is_shown = envelope_has_data(envelope);

    envelope_free(envelope);
    return is_shown;
}

static int check_envelopes(const struct config_subject *subject,
                           const struct config_service *service)
{
    int rc = check_envelope(subject, "envelopeOk", service->envelope_ok);

    if (rc == 0)
        rc = check_envelope(subject, "envelopeError", service->envelope_error);
    if (rc != 0 || (*service->envelope_ok == '\0' && *service->envelope_error == '\0'))
        return rc;
    if (!service->envelope)
        return config_check_fail(subject, "envelope",
                                 "false has no use with envelopeOk or envelopeError; leave it out");
    if (*service->envelope_ok != '\0' && !shows_data(service->envelope_ok))
        return config_check_fail(subject, "envelopeOk",
                                 "it has no $data, so that no answer would reach a page; write "
                                 "such as {\"status\": 0, \"result\": $data}");
    return 0;
}

static int check_service(const struct config_subject *subject, const struct config_service *service)
{
    int rc = check_name(subject, service->settings.name);

    if (rc == 0)
        rc = check_base_path(subject, service->settings.base_path);
    if (rc == 0)
        rc = check_origins(subject, service->origins);
    if (rc == 0)
        rc = check_cors_headers(subject, service->cors_headers);
    if (rc == 0)
        rc = check_envelopes(subject, service);
    if (rc == 0)
        rc = config_check_auth_webhook(subject, service);
    for (size_t i = 0; rc == 0 && i < subject->index; i++)
        rc = check_against(subject, service, i);
    if (rc == 0)
        rc = config_check_qos(subject, service);
    if (rc != 0)
        return rc;
    if (service->settings.event_data_bytes > service->settings.queue_bytes)
        return config_check_fail(
            subject, "queueBytes",
            "%zu is less than eventDataBytes (%zu%s): the largest event would never fit; "
            "make it larger",
            service->settings.queue_bytes, service->settings.event_data_bytes,
            config_compat_sets(subject->config, config_key_find("services[].eventDataBytes"),
                               subject->index)
                ? ", which compat: java sets"
                : "");
    if (service->json_body_bytes > subject->config->limits.inbound_bytes / 2)
        return config_check_fail(
            subject, "jsonBodyBytes",
            "%zu is more than half of limits.inboundBytes (%zu); lower it, or raise that",
            service->json_body_bytes, subject->config->limits.inbound_bytes);
    rc = config_check_pairs(subject);
    if (rc == 0)
        rc = config_check_handlers(subject, service);
    return rc == 0 ? config_check_notifications(subject, service) : rc;
}

int config_check(const struct config *config, struct config_fault *fault)
{
    struct config_subject subject = {.config = config, .list = "", .fault = fault};
    int rc = config_check_pairs(&subject);

    if (rc == 0)
        rc = drain_check_settings(config, fault);
    if (rc == 0)
        rc = check_networks(&subject, "trustedProxies", config->trusted_proxies);
    if (rc == 0 && *config->outbound.ca_file != '\0')
        rc = config_check_readable(&subject, "outbound.caFile", config->outbound.ca_file);
    if (rc == 0 && config->service_count == 0)
        rc = config_check_fail(&subject, "services",
                               "there is none; give at least one, such as "
                               "\"services: [{name: hr}]\"");
    if (rc == 0 && config->listener_count == 0)
        rc = config_check_fail(&subject, "listeners",
                               "there is none; give at least one, such as "
                               "\"listeners: [{address: localhost:8443}]\"");
    subject.list = "services";
    for (size_t i = 0; rc == 0 && i < config->service_count; i++) {
        subject.index = i;
        subject.line = config->services[i].line;
        rc = check_service(&subject, &config->services[i]);
    }
    subject.list = "listeners";
    for (size_t i = 0; rc == 0 && i < config->listener_count; i++) {
        subject.index = i;
        subject.line = config->listeners[i].line;
        rc = check_listener(&subject, &config->listeners[i]);
    }
    subject = (struct config_subject){.config = config, .list = "", .fault = fault};
    if (rc == 0)
        rc = config_check_tls(&subject);
    if (rc == 0)
        rc = config_check_api_keys(config, fault);
    return rc == 0 ? config_check_token_keys(config, fault) : rc;
}
