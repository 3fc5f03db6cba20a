/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "server/config.h"
#include "server/config_keys.h"
#include "server/config_parts.h"
#include "server/config_value.h"

/* THE table of compat: java; a row more is all that a key needs (and one in
 * docs/moving-from-java.md). Those of the process may only raise what they set. */
/* clang-format off */
const struct config_compat_row config_compat_java[] = {
    {"services[].pageLists", "true"},
    {"services[].sessionConnections", "90"},
    {"services[].countPagesWithoutClientId", "true"},
    {"services[].honorKeepaliveTime", "true"},
    {"services[].handlers.withoutConnection", "true"},
    {"services[].queueBytes", "4MiB"},
    {"services[].history.bytes", "64MiB"},
    {"services[].qos.acknowledgement", "client"},
    {"services[].listeners", "300"},
    {"services[].eventDataBytes", "1MiB"},
    {"services[].lineBytes", "1MiB"},
    {"services[].jsonBodyBytes", "4MiB"},
    {"services[].handlers.answerBytes", "1MiB"},
    {"services[].limits.userConnections", "1000"},
    {"limits.headerListBytes", "32KiB"},
    {"limits.pathBytes", "16KiB"},
};
/* clang-format on */
const size_t config_compat_java_count = COUNT(config_compat_java);

static bool has_word(const struct config *config, size_t index)
{
    return config->services[index].compat == CONFIG_COMPAT_JAVA;
}

static bool has_word_anywhere(const struct config *config)
{
    for (size_t i = 0; i < config->service_count; i++) {
        if (has_word(config, i))
            return true;
    }
    return false;
}

/* list: that of services, or NULL for the process. */
static void apply_rows(struct config *config, const struct config_list *list, size_t index)
{
    void *owner = list ? config_list_item(config, list, index) : config;
    struct config_fault fault;

    for (size_t i = 0; i < config_compat_java_count; i++) {
        const struct config_key *key = config_key_find(config_compat_java[i].key);

        if (key->list == list && !config_is_given(config, key, index) &&
            config_value_set(key, owner, config_compat_java[i].value, &fault) != 0)
            abort(); /* a row that contradicts the table of keys */
    }
}

void config_compat_apply(struct config *config)
{
    const struct config_list *services = config_key_find("services")->list;

    for (size_t i = 0; i < config->service_count; i++) {
        if (has_word(config, i))
            apply_rows(config, services, i);
    }
    if (has_word_anywhere(config))
        apply_rows(config, NULL, 0);
}

bool config_compat_sets(const struct config *config, const struct config_key *key, size_t index)
{
    bool is_row = false;

    for (size_t i = 0; i < config_compat_java_count; i++)
        is_row = is_row || config_key_find(config_compat_java[i].key) == key;
    return is_row && (key->list ? has_word(config, index) : has_word_anywhere(config)) &&
           !config_is_given(config, key, index);
}

static void print_rows(const struct config *config, const struct config_list *list, size_t index,
                       FILE *to)
{
    const void *owner = list ? config_list_item(config, list, index) : config;

    for (size_t i = 0; i < config_compat_java_count; i++) {
        const struct config_key *key = config_key_find(config_compat_java[i].key);
        struct buf name = BUF_INIT, value = BUF_INIT;

        if (key->list != list)
            continue;
        config_key_append_name(key, (const size_t[CONFIG_DEPTH]){index}, &name);
        config_value_print(key, owner, &value);
        fprintf(to, "  %s: %s%s%s\n", buf_str(&name), config_compat_java[i].value,
                config_is_given(config, key, index) ? ", but the settings say " : ", without it ",
                config_is_given(config, key, index) ? buf_str(&value) : key->fallback);
        buf_release(&name);
        buf_release(&value);
    }
}

void config_compat_print(const struct config *config, FILE *to)
{
    const struct config_list *services = config_key_find("services")->list;

    for (size_t i = 0; i < config->service_count; i++) {
        if (!has_word(config, i))
            continue;
        fprintf(to, "compat: java of service %s sets\n", config->services[i].settings.name);
        print_rows(config, services, i, to);
    }
    if (has_word_anywhere(config)) {
        fputs("and for all services\n", to);
        print_rows(config, NULL, 0, to);
    }
}

/* ---- one key and another ---- */

#define SERVICE "services[]."

enum rule {
    IN_ANY_CASE,
    IF_BOTH_SAID, /* else inner goes for as much as outer has, of which who said it is warned */
    IF_BOTH_SAID_AND_LESS, /* and may not be as much either */
    WARNED_OF,             /* nothing is lost: outer says it all */
};

/* inner may not be more than outer. 0 is no limit, for either. */
static const struct pair {
    const char *inner, *outer;
    enum rule rule;
} pairs[] = {
    {"limits.headerFieldBytes", "limits.headerListBytes", IN_ANY_CASE},
    {"limits.pathBytes", "limits.headerListBytes", IN_ANY_CASE},
    {"limits.streamWindow", "limits.sessionWindow", IN_ANY_CASE},
    {"limits.outputSoftBytes", "limits.outputHardBytes", IN_ANY_CASE},
    {"limits.pingAckTimeout", "limits.pingInterval", IN_ANY_CASE},
    {"limits.sessionWindow", "limits.inboundBytes", IF_BOTH_SAID},
    {"limits.sessionBodyBytes", "limits.inboundBytes", IF_BOTH_SAID},
    {"limits.unsentBytes", "limits.sendBufferBytes", IF_BOTH_SAID},
    {"limits.outboundAcks", "limits.outboundFrames", IF_BOTH_SAID},
    {"limits.handshakesPerAddress", "limits.handshakes", IF_BOTH_SAID},
    {"outbound.hostConnections", "outbound.inFlight", IF_BOTH_SAID},
    {SERVICE "jsonBodyBytes", "limits.sessionBodyBytes", IN_ANY_CASE},
    {SERVICE "sessionConnections", "limits.concurrentStreams", IF_BOTH_SAID_AND_LESS},
    {SERVICE "orderedCalls", "limits.concurrentStreams", IF_BOTH_SAID},
    {SERVICE "eventDataBytes", SERVICE "history.bytes", IF_BOTH_SAID},
    {SERVICE "eventDataBytes", SERVICE "qos.bytes", IF_BOTH_SAID},
    {SERVICE "eventDataBytes", SERVICE "qos.waitingBytes", IF_BOTH_SAID},
    {SERVICE "handlers.answerBytes", SERVICE "idempotencyUserBytes", IF_BOTH_SAID},
    {SERVICE "idempotencyUserBytes", SERVICE "idempotencyBytes", IF_BOTH_SAID},
    {SERVICE "idempotencyUserKeys", SERVICE "idempotencyKeys", IF_BOTH_SAID},
    {SERVICE "clientConnections", SERVICE "limits.userConnections", IF_BOTH_SAID},
    {SERVICE "limits.userConnections", SERVICE "limits.connections", WARNED_OF},
    {SERVICE "limits.addressConnections", SERVICE "limits.connections", WARNED_OF},
    {SERVICE "qos.queue", SERVICE "qos.messages", IF_BOTH_SAID},
    {SERVICE "qos.window", SERVICE "qos.queue", IF_BOTH_SAID},
    {SERVICE "uploadBytes", SERVICE "limits.userUploadBytes", IF_BOTH_SAID},
    {SERVICE "uploadBytes", SERVICE "limits.uploadBytes", IF_BOTH_SAID},
    {SERVICE "uploadParts", SERVICE "limits.userOpenFiles", IF_BOTH_SAID},
    {SERVICE "uploadParts", SERVICE "limits.userUploadFiles", IF_BOTH_SAID},
    {SERVICE "limits.userOpenFiles", SERVICE "limits.userUploadFiles", IF_BOTH_SAID},
    {SERVICE "limits.userUploadBytes", SERVICE "limits.uploadBytes", IF_BOTH_SAID},
    {SERVICE "limits.userUploadFiles", SERVICE "limits.uploadFiles", IF_BOTH_SAID},
};

static uint64_t value_of(const struct config_subject *subject, const struct config_key *key)
{
    const void *owner = subject->config;

    return config_value_number(key, key->list ? config_list_item(owner, key->list, subject->index)
                                              : owner);
}

/* As it stands in a sentence that begins with "services[0].". */
static const char *short_name(const struct config_key *key)
{
    return key->name + (key->list ? strlen(SERVICE) : 0);
}

enum finding { FINE, DOUBTFUL, WRONG };

static enum finding look(const struct config_subject *subject, const struct pair *pair,
                         struct buf *sentence)
{
    const struct config *config = subject->config;
    const struct config_key *inner = config_key_find(pair->inner);
    const struct config_key *outer = config_key_find(pair->outer);
    const uint64_t value = value_of(subject, inner);
    const uint64_t most = value_of(subject, outer);
    const bool is_less = pair->rule == IF_BOTH_SAID_AND_LESS;
    const bool is_by_compat = config_compat_sets(config, inner, subject->index);
    const bool is_meant = is_by_compat || config_is_given(config, inner, subject->index);

    if (value == 0 || most == 0 || value < most || (value == most && !is_less))
        return FINE;
    buf_printf(sentence, "%" PRIu64 "%s %s %s (%" PRIu64 "); lower it, or raise that", value,
               is_by_compat ? ", which compat: java sets," : "",
               is_less ? "must be less than" : "is more than", short_name(outer), most);
    if (pair->rule == IN_ANY_CASE)
        return WRONG;
    if (!is_meant)
        return FINE;
    return pair->rule != WARNED_OF && config_is_given(config, outer, subject->index) ? WRONG
                                                                                     : DOUBTFUL;
}

static bool is_about(const struct config_subject *subject, const struct pair *pair)
{
    return (config_key_find(pair->inner)->list != NULL) == (*subject->list != '\0');
}

int config_check_pairs(const struct config_subject *subject)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < COUNT(pairs); i++) {
        struct buf sentence = BUF_INIT;

        if (is_about(subject, &pairs[i]) && look(subject, &pairs[i], &sentence) == WRONG)
            rc = config_check_fail(subject, short_name(config_key_find(pairs[i].inner)), "%s",
                                   buf_str(&sentence));
        buf_release(&sentence);
    }
    return rc;
}

/* ---- warnings ---- */

static void warn_of_pairs(const struct config_subject *subject, FILE *to)
{
    for (size_t i = 0; i < COUNT(pairs); i++) {
        const struct config_key *key = config_key_find(pairs[i].inner);
        struct buf sentence = BUF_INIT, name = BUF_INIT;

        config_key_append_name(key, (const size_t[CONFIG_DEPTH]){subject->index}, &name);
        if (is_about(subject, &pairs[i]) && look(subject, &pairs[i], &sentence) == DOUBTFUL)
            fprintf(to, "warning: %s: %s\n", buf_str(&name), buf_str(&sentence));
        buf_release(&name);
        buf_release(&sentence);
    }
}

/* What a message has beside its data: names, the id, a receipt, one recipient. */
#define REST_OF_MESSAGE ((size_t)4 * 1024)

static void warn_of_strict_binding(const struct config_service *service, size_t index, FILE *to)
{
    if (service->api.session_binding_strict)
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

    if (service->api.json_body_bytes < data + REST_OF_MESSAGE)
        fprintf(to,
                "warning: services[%zu].jsonBodyBytes: %zu bytes are too few for a message with "
                "eventDataBytes (%zu) of data, which gets 413; give it at least %zu, and more for "
                "texts that need escapes\n",
                index, service->api.json_body_bytes, data, data + REST_OF_MESSAGE);
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
    const char *patterns = service->api.broker.channels.patterns;
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
    struct config_subject subject = {.config = config, .list = ""};

    warn_of_pairs(&subject, to);
    subject.list = "services";
    for (; subject.index < config->service_count; subject.index++)
        warn_of_pairs(&subject, to);
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
