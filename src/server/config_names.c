/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config_names.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "auth/api_key.h"
#include "server/config.h"
#include "server/config_fault.h"
#include "server/config_keys.h"

static_assert(CONFIG_MAX_SERVICES <= 64, "a bit for each service");

static uint64_t service_of(const struct config *config, const struct word *word)
{
    for (size_t i = 0; i < config->service_count; i++) {
        if (word_is(word, config->services[i].settings.name))
            return UINT64_C(1) << i;
    }
    return 0;
}

uint64_t config_services_named(const struct config *config, const char *words, struct word *unknown)
{
    uint64_t services = 0;
    struct word word;

    while (words_next(&words, &word)) {
        uint64_t service = service_of(config, &word);

        if (service == 0) {
            *unknown = word;
            break;
        }
        services |= service;
    }
    return services != 0 ? services : AUTH_ALL_SERVICES;
}

int config_fail_unknown(const struct config_subject *subject, const char *key,
                        const struct word *unknown, const char *const *names)
{
    const char *nearest = "";
    size_t least = SIZE_MAX;
    char word[40];

    snprintf(word, sizeof(word), "%.*s", (int)unknown->length, unknown->text);
    for (; *names; names++) {
        size_t distance = config_distance(word, *names);

        if (distance < least) {
            least = distance;
            nearest = *names;
        }
    }
    if (!config_is_near(word, least))
        nearest = NULL;
    return config_check_fail(subject, key, "there is no \"%s\"%s%s", word,
                             nearest ? "; the nearest is " : "", nearest ? nearest : "");
}

int config_check_services(const struct config_subject *subject, const char *words)
{
    const char *names[CONFIG_MAX_SERVICES + 1] = {NULL};
    struct word unknown = {NULL, 0};

    (void)config_services_named(subject->config, words, &unknown);
    if (!unknown.text)
        return 0;
    for (size_t i = 0; i < subject->config->service_count; i++)
        names[i] = subject->config->services[i].settings.name;
    return config_fail_unknown(subject, "services", &unknown, names);
}
