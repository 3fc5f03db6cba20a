/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold between settings, or between a setting and the machine. */
#include "server/config_check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/origins.h"
#include "base/networks.h"
#include "base/words.h"
#include "h2/listener.h"
#include "h2/tls.h"
#include "server/config.h"
#include "server/config_api_keys.h"
#include "server/config_auth_webhook.h"
#include "server/config_qos.h"
#include "server/config_source.h"
#include "server/config_token_keys.h"
#include "server/config_webhooks.h"
#include "server/socket_rights.h"

int config_check_fail(const struct config_subject *subject, const char *key, const char *format,
                      ...)
{
    char place[200] = "";
    char item[40] = "";
    char sentence[256];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(sentence, sizeof(sentence), format, arguments);
    va_end(arguments);
    if (subject->line > 0 && subject->config->file)
        snprintf(place, sizeof(place), "%.150s:%u: ", subject->config->file, subject->line);
    else if (subject->config->file)
        snprintf(place, sizeof(place), "%.150s: ", subject->config->file);
    if (*subject->list != '\0')
        snprintf(item, sizeof(item), "%s[%zu]%s", subject->list, subject->index,
                 *key != '\0' ? "." : "");
    return config_fail(subject->fault, -EINVAL, "%s%s%s: %s", place, item, key, sentence);
}

static int check_readable(const struct config_subject *subject, const char *key, const char *path)
{
    if (access(path, R_OK) == 0)
        return 0;
    return config_check_fail(subject, key,
                             "\"%.120s\": %s; give a PEM file that this user may read", path,
                             strerror(errno));
}

static int check_pair(const struct config_subject *subject, const struct config_listener *listener)
{
    char fault[240];
    struct h2_tls_context *tls = h2_tls_context_new(listener->certificate, listener->key,
                                                    listener->tls_profile, fault, sizeof(fault));

    if (!tls)
        return config_check_fail(subject, "certificate", "%s", fault);
    h2_tls_context_free(tls);
    return 0;
}

static int check_certificate(const struct config_subject *subject,
                             const struct config_listener *listener)
{
    bool certificate = *listener->certificate != '\0';
    bool key = *listener->key != '\0';
    int rc = 0;

    if (certificate && !key)
        return config_check_fail(subject, "key", "is missing; a certificate needs its private key");
    if (key && !certificate)
        return config_check_fail(subject, "certificate",
                                 "is missing; a private key needs its certificate");
    if (!certificate)
        return 0;
    if (!listener->tls)
        return config_check_fail(subject, "certificate",
                                 "has no use without TLS; leave it out, or set tls: true");
    rc = check_readable(subject, "certificate", listener->certificate);
    if (rc == 0)
        rc = check_readable(subject, "key", listener->key);
    return rc == 0 ? check_pair(subject, listener) : rc;
}

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
    return rc == 0 ? check_certificate(subject, listener) : rc;
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
            "%zu is less than eventDataBytes (%zu): the largest event would never fit; "
            "make it larger",
            service->settings.queue_bytes, service->settings.event_data_bytes);
    if (service->json_body_bytes > subject->config->limits.session_body_bytes)
        return config_check_fail(
            subject, "jsonBodyBytes",
            "%zu is more than limits.sessionBodyBytes (%zu); lower it, or raise that",
            service->json_body_bytes, subject->config->limits.session_body_bytes);
    if (service->json_body_bytes > subject->config->limits.inbound_bytes / 2)
        return config_check_fail(
            subject, "jsonBodyBytes",
            "%zu is more than half of limits.inboundBytes (%zu); lower it, or raise that",
            service->json_body_bytes, subject->config->limits.inbound_bytes);
    rc = config_check_handlers(subject, service);
    return rc == 0 ? config_check_notifications(subject, service) : rc;
}

static int check_limits(const struct config_subject *subject, const struct h2_limits *limits)
{
    const struct {
        const char *key, *other;
        size_t value, most;
    } pairs[] = {
        {"headerFieldBytes", "headerListBytes", limits->header_field_bytes,
         limits->header_list_bytes},
        {"pathBytes", "headerListBytes", limits->path_bytes, limits->header_list_bytes},
        {"streamWindow", "sessionWindow", limits->stream_window, limits->session_window},
        {"outputSoftBytes", "outputHardBytes", limits->output_soft_bytes,
         limits->output_hard_bytes},
        {"pingAckTimeout", "pingInterval", limits->ping_ack_ms, limits->ping_ms},
    };

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        char key[64];

        snprintf(key, sizeof(key), "limits.%s", pairs[i].key);
        if (pairs[i].value > pairs[i].most)
            return config_check_fail(subject, key,
                                     "%zu is more than limits.%s (%zu); lower it, or raise that",
                                     pairs[i].value, pairs[i].other, pairs[i].most);
    }
    return 0;
}

int config_check(const struct config *config, struct config_fault *fault)
{
    struct config_subject subject = {.config = config, .list = "", .fault = fault};
    int rc = check_limits(&subject, &config->limits);

    if (rc == 0)
        rc = check_networks(&subject, "trustedProxies", config->trusted_proxies);
    if (rc == 0 && *config->outbound.ca_file != '\0')
        rc = check_readable(&subject, "outbound.caFile", config->outbound.ca_file);
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
    if (rc == 0)
        rc = config_check_api_keys(config, fault);
    return rc == 0 ? config_check_token_keys(config, fault) : rc;
}
