/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config_compat.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "server/config.h"
#include "server/config_keys.h"
#include "server/config_source.h"
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
const size_t config_compat_java_count = sizeof(config_compat_java) / sizeof(config_compat_java[0]);

static bool has_word(const struct config *config, size_t index)
{
    return config->services[index].compat == CONFIG_COMPAT_JAVA;
}

static bool has_word_anywhere(const struct config *config)
{
    bool has = false;

    for (size_t i = 0; i < config->service_count; i++)
        has = has || has_word(config, i);
    return has;
}

/* list: that of services, or NULL for the process. */
static void apply_rows(struct config *config, const struct config_list *list, size_t index)
{
    void *owner = list ? config_list_item(config, list, index) : config;
    char fault[256];

    for (size_t i = 0; i < config_compat_java_count; i++) {
        const struct config_key *key = config_key_find(config_compat_java[i].key);

        if (key->list == list && !config_is_given(config, key, index) &&
            config_value_set(key, owner, config_compat_java[i].value, fault, sizeof(fault)) != 0)
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

/* "services[0].queueBytes". */
static void print_name(const struct config_key *key, size_t index, FILE *to)
{
    for (const char *c = key->name; *c; c++) {
        fputc(*c, to);
        if (*c == '[')
            fprintf(to, "%zu", index);
    }
}

static void print_rows(struct config *config, const struct config_list *list, size_t index,
                       FILE *to)
{
    const void *owner = list ? config_list_item(config, list, index) : config;

    for (size_t i = 0; i < config_compat_java_count; i++) {
        const struct config_key *key = config_key_find(config_compat_java[i].key);
        struct buf value = BUF_INIT;

        if (key->list != list)
            continue;
        config_value_print(key, owner, &value);
        fputs("  ", to);
        print_name(key, index, to);
        fprintf(to, ": %s%s%s\n", config_compat_java[i].value,
                config_is_given(config, key, index) ? ", but the settings say " : ", without it ",
                config_is_given(config, key, index) ? buf_str(&value) : key->fallback);
        buf_release(&value);
    }
}

void config_compat_print(const struct config *config, FILE *to)
{
    const struct config_list *services = config_key_find("services")->list;
    struct config *owner = (struct config *)(uintptr_t)config; /* is not changed */

    for (size_t i = 0; i < config->service_count; i++) {
        if (!has_word(config, i))
            continue;
        fprintf(to, "compat: java of service %s sets\n", config->services[i].settings.name);
        print_rows(owner, services, i, to);
    }
    if (has_word_anywhere(config)) {
        fputs("and for all services\n", to);
        print_rows(owner, NULL, 0, to);
    }
}
