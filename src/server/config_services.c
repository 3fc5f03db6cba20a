/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold within a service, and between two. */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "auth/auth.h"
#include "base/envelope.h"
#include "base/http_url.h"
#include "base/mem.h"
#include "base/text.h"
#include "broker/presence_event.h"
#include "outbound/http.h"
#include "server/config_keys.h"
#include "server/config_parts.h"

/* Whether url, "" included, is one that can be posted to. */
static int check_url(const struct config_subject *subject, const char *key, const char *url)
{
    const char *host = strncmp(url, "http://", 7) == 0    ? url + 7
                       : strncmp(url, "https://", 8) == 0 ? url + 8
                                                          : NULL;

    if (*url == '\0' || (host && strcspn(host, "/?#") > 0 && !strpbrk(url, " \t#")))
        return 0;
    return config_check_fail(
        subject, key, "\"%.100s\" is no address; write one such as https://back.example/hook", url);
}

static int check_handlers(const struct config_subject *subject,
                          const struct config_service *service)
{
    const struct api_handler_settings *handlers = &service->api.handlers;
    int rc = check_url(subject, "handlers.messageUrl", handlers->message_url);

    if (rc == 0)
        rc = check_url(subject, "handlers.uploadUrl", handlers->upload_url);
    if (rc == 0 && handlers->upload_streams && *handlers->upload_url == '\0')
        return config_check_fail(subject, "handlers.uploadStreams",
                                 "has no use without handlers.uploadUrl; give one");
    return rc;
}

static int check_notifications(const struct config_subject *subject,
                               const struct config_service *service)
{
    struct word unknown;
    unsigned kinds;

    if (!presence_kinds_parse(service->notified_events, &kinds, &unknown))
        return config_check_fail(subject, "notifications.events",
                                 "\"%.*s\" is no presence event; there are " PRESENCE_KIND_LIST,
                                 unknown.length < 64 ? (int)unknown.length : 64, unknown.text);
    return check_url(subject, "notifications.url", service->api.broker.notifications.url);
}

/* RFC 9110's tokens: fields are looked up in lower case, cookies as they are written. */
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define SIGNS "0123456789!#$%&'*+-.^_`|~"

static bool has_only(const struct word *word, const char *allowed)
{
    return strspn(word->text, allowed) >= word->length;
}

static int check_cookies(const struct config_subject *subject, const char *names)
{
    static const char key[] = "authWebhook.cookies";
    struct word word;
    size_t count = 0;

    while (words_next(&names, &word)) {
        if (!has_only(&word, LOWER UPPER SIGNS))
            return config_check_fail(subject, key, "\"%.*s\" is no name of a cookie",
                                     (int)word.length, word.text);
        if (++count > AUTH_MAX_COOKIES)
            return config_check_fail(subject, key, "there are more than %u; leave some out",
                                     AUTH_MAX_COOKIES);
    }
    return 0;
}

/* What belongs to the connection, or to the question itself. */
static bool is_ours(const struct word *word)
{
    static const char *const names[] = {
        "connection",        "content-length",  "content-type",     "expect",     "host",
        "idempotency-key",   "keep-alive",      "proxy-connection", "te",         "trailer",
        "transfer-encoding", "accept-encoding", "upgrade",          "sse-context"};

    for (size_t i = 0; i < COUNT(names); i++) {
        if (word_is(word, names[i]))
            return true;
    }
    return word_is(word, OUTBOUND_SIGNATURE_FIELD);
}

static int check_headers(const struct config_subject *subject, const char *names)
{
    static const char key[] = "authWebhook.headers";
    struct word word;

    while (words_next(&names, &word)) {
        int length = word.length < 100 ? (int)word.length : 100;

        if (word_is(&word, "cookie"))
            return config_check_fail(subject, key,
                                     "\"cookie\" is all cookies; name those that count in "
                                     "authWebhook.cookies");
        if (!has_only(&word, LOWER SIGNS))
            return config_check_fail(subject, key,
                                     "\"%.*s\" is no name of a header field; write it in lower "
                                     "case, such as x-session",
                                     length, word.text);
        if (is_ours(&word))
            return config_check_fail(subject, key,
                                     "\"%.*s\" is a field that the question has itself; leave it "
                                     "out",
                                     length, word.text);
    }
    return 0;
}

static int check_auth_webhook(const struct config_subject *subject,
                              const struct config_service *service)
{
    const struct auth_webhook_settings *webhook = &service->auth_webhook;
    const struct auth_webhook_names *names = &webhook->names;
    int rc = check_url(subject, "authWebhook.url", webhook->url);

    if (rc == 0)
        rc = check_cookies(subject, names->cookies);
    if (rc == 0)
        rc = check_headers(subject, names->headers);
    if (rc != 0 || service->auth != CONFIG_AUTH_WEBHOOK)
        return rc;
    if (*webhook->url == '\0')
        return config_check_fail(subject, "authWebhook.url",
                                 "is missing; auth webhook needs one, such as "
                                 "https://back.example/who");
    if (words_count(names->cookies) + words_count(names->headers) +
            words_count(names->parameters) ==
        0)
        return config_check_fail(subject, "authWebhook.cookies",
                                 "and headers and parameters are empty: nobody could come in; "
                                 "name what a page shows");
    return 0;
}

static int check_qos(const struct config_subject *subject, const struct config_service *service)
{
    const struct stored_settings *qos = &service->api.qos;
    struct word wrong;

    if (!http_url_hosts_are_valid(qos->receipt_hosts, &wrong))
        return config_check_fail(subject, "qos.receiptHosts",
                                 "\"%.*s\" is no host; use such as hooks.example, *.example.com, "
                                 "192.0.2.1:8080 or [2001:db8::1]",
                                 wrong.length < 64 ? (int)wrong.length : 64, wrong.text);
    if (qos->ttl_ms > qos->ttl_ms_most)
        return config_check_fail(subject, "qos.ttl",
                                 "%us is more than qos.ttlMost (%us); lower it, or raise that",
                                 qos->ttl_ms / 1000, qos->ttl_ms_most / 1000);
    for (size_t i = 0; i < subject->index; i++) {
        const struct config_service *other = &subject->config->services[i];

        if (service->store == CONFIG_STORE_SQLITE && other->store == CONFIG_STORE_SQLITE &&
            strcmp(qos->file, other->api.qos.file) == 0)
            return config_check_fail(
                subject, "qos.file",
                "\"%.120s\" is that of services[%zu] too; each service has its own", qos->file, i);
    }
    return 0;
}

static int check_name(const struct config_subject *subject, const struct config_service *service)
{
    const char *name = service->settings.name;
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

static int check_base_path(const struct config_subject *subject,
                           const struct config_service *service)
{
    const char *path = service->settings.base_path;
    /* The demo page's files lie in the last one. */
    static const char *const ours[] = {"/health",       "/metrics", "/settings",     "/access",
                                       "/certificates", "/console", "/openapi.yaml", "/demo"};
    size_t count = COUNT(ours) - (subject->config->demo ? 0 : 1);

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

static int check_others(const struct config_subject *subject, const struct config_service *service)
{
    const char *path = service->settings.base_path;

    for (size_t i = 0; i < subject->index; i++) {
        const struct config_service *other = &subject->config->services[i];
        const char *other_path = other->settings.base_path;

        if (strcmp(service->settings.name, other->settings.name) == 0)
            return config_check_fail(subject, "name",
                                     "\"%s\" is that of services[%zu] too; rename one",
                                     service->settings.name, i);
        if (is_below(path, other_path) || is_below(other_path, path))
            return config_check_fail(
                subject, "basePath",
                "\"%.60s\" and \"%.60s\" of services[%zu] overlap; neither may lie below the "
                "other",
                path, other_path, i);
    }
    return 0;
}

static int check_origins(const struct config_subject *subject, const struct config_service *service)
{
    char fault[240] = "";
    struct origins *origins = origins_new(service->origins, fault, sizeof(fault));

    if (!origins)
        return config_check_fail(subject, "origins", "%s", fault);
    origins_free(origins);
    return 0;
}

static int check_cors_headers(const struct config_subject *subject,
                              const struct config_service *service)
{
    const char *names = service->cors_headers;
    struct word word;

    while (words_next(&names, &word)) {
        if (!has_only(&word, LOWER UPPER SIGNS))
            return config_check_fail(subject, "corsHeaders",
                                     "\"%.*s\" is no name of a header field; use one such as "
                                     "x-session, or * for any",
                                     word.length < 80 ? (int)word.length : 80, word.text);
    }
    return 0;
}

static int check_envelope(const struct config_subject *subject, const char *key, const char *text,
                          bool *shows_data)
{
    char fault[240] = "";
    struct envelope *envelope = *text != '\0' ? envelope_new(text, fault, sizeof(fault)) : NULL;

    *shows_data = envelope && envelope_has_data(envelope);
    envelope_free(envelope);
    return *text == '\0' || envelope ? 0 : config_check_fail(subject, key, "%s", fault);
}

static int check_envelopes(const struct config_subject *subject,
                           const struct config_service *service)
{
    bool shows_data, unused;
    int rc = check_envelope(subject, "envelopeOk", service->envelope_ok, &shows_data);

    if (rc == 0)
        rc = check_envelope(subject, "envelopeError", service->envelope_error, &unused);
    if (rc != 0 || (*service->envelope_ok == '\0' && *service->envelope_error == '\0'))
        return rc;
    if (!service->api.envelope)
        return config_check_fail(subject, "envelope",
                                 "false has no use with envelopeOk or envelopeError; leave it out");
    if (*service->envelope_ok != '\0' && !shows_data)
        return config_check_fail(subject, "envelopeOk",
                                 "it has no $data, so that no answer would reach a page; write "
                                 "such as {\"status\": 0, \"result\": $data}");
    return 0;
}

static int check_sizes(const struct config_subject *subject, const struct config_service *service)
{
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
    if (service->api.json_body_bytes > subject->config->limits.inbound_bytes / 2)
        return config_check_fail(
            subject, "jsonBodyBytes",
            "%zu is more than half of limits.inboundBytes (%zu); lower it, or raise that",
            service->api.json_body_bytes, subject->config->limits.inbound_bytes);
    return config_check_pairs(subject);
}

int config_check_service(const struct config_subject *subject, const void *item)
{
    static int (*const checks[])(const struct config_subject *subject,
                                 const struct config_service *service) = {
        check_name,      check_base_path,    check_origins,      check_cors_headers,
        check_envelopes, check_auth_webhook, check_others,       check_qos,
        check_sizes,     check_handlers,     check_notifications};
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < COUNT(checks); i++)
        rc = checks[i](subject, item);
    return rc;
}
