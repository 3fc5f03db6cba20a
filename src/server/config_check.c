/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold between settings, or between a setting and the machine. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/networks.h"
#include "server/config_keys.h"
#include "server/config_parts.h"

int config_check_fail(const struct config_subject *subject, const char *key, const char *format,
                      ...)
{
    char place[200] = "";
    char item[40] = "";
    char sentence[400];
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

int config_check_readable(const struct config_subject *subject, const char *key, const char *path)
{
    if (access(path, R_OK) == 0)
        return 0;
    return config_check_fail(subject, key,
                             "\"%.120s\": %s; give a PEM file that this user may read", path,
                             strerror(errno));
}

int config_check_networks(const struct config_subject *subject, const char *key, const char *text)
{
    char fault[240] = "";
    struct networks *networks = networks_new(text, fault, sizeof(fault));

    if (!networks)
        return config_check_fail(subject, key, "%s", fault);
    networks_free(networks);
    return 0;
}

static int check_drain(const struct config *config, struct config_fault *fault)
{
    if (config->drain_ms == 0 ||
        (uint64_t)config->stop_notice_ms + config->drain_spread_ms <= config->drain_ms)
        return 0;
    return config_fail(fault, -EINVAL,
                       "drainTime: %u ms is less than stopNotice (%u ms) and drainSpread (%u ms) "
                       "together, which are part of it; lower these, or raise that",
                       config->drain_ms, config->stop_notice_ms, config->drain_spread_ms);
}

/* Of the process. */
static int check_process(const struct config_subject *subject)
{
    const struct config *config = subject->config;
    int rc = config_check_pairs(subject);

    if (rc == 0)
        rc = check_drain(config, subject->fault);
    if (rc == 0)
        rc = config_check_networks(subject, "trustedProxies", config->trusted_proxies);
    if (rc == 0 && *config->outbound.ca_file != '\0')
        rc = config_check_readable(subject, "outbound.caFile", config->outbound.ca_file);
    if (rc == 0 && config->service_count == 0)
        rc = config_check_fail(subject, "services",
                               "there is none; give at least one, such as "
                               "\"services: [{name: hr}]\"");
    if (rc == 0 && config->listener_count == 0)
        rc = config_check_fail(subject, "listeners",
                               "there is none; give at least one, such as "
                               "\"listeners: [{address: localhost:8443}]\"");
    return rc;
}

/* Of each item of the list. */
static int check_items(const struct config_subject *process, const char *name,
                       int (*check)(const struct config_subject *subject, const void *item))
{
    const struct config_list *list = config_key_find(name)->list;
    const size_t count = config_list_count(process->config, list);
    struct config_subject subject = *process;
    int rc = 0;

    subject.list = name;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        const void *item = config_list_item(process->config, list, i);

        subject.index = i;
        memcpy(&subject.line, item, sizeof(subject.line)); /* it begins with it */
        rc = check(&subject, item);
    }
    return rc;
}

int config_check(const struct config *config, struct config_fault *fault)
{
    const struct config_subject process = {.config = config, .list = "", .fault = fault};
    int rc = check_process(&process);

    if (rc == 0)
        rc = check_items(&process, "services", config_check_service);
    if (rc == 0)
        rc = check_items(&process, "listeners", config_check_listener);
    if (rc == 0)
        rc = config_check_tickets(&process);
    if (rc == 0)
        rc = check_items(&process, "apiKeys", config_check_api_key);
    if (rc == 0)
        rc = check_items(&process, "tokenKeys", config_check_token_key);
    return rc == 0 ? check_items(&process, "services", config_check_service_keys) : rc;
}
