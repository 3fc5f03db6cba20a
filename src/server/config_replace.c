/* SPDX-License-Identifier: Apache-2.0 */
/* The shorthands that replace a whole list at once: addresses, API keys. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "server/config.h"
#include "server/config_fault.h"
#include "server/config_keys.h"
#include "server/config_source.h"

/* Calls set for each text between commas, after adding an item for it to an emptied list. */
static int replace_list(struct config *config, const char *name,
                        const struct config_assignment *given,
                        int (*set)(struct config *config, const struct config_assignment *item,
                                   struct config_fault *fault),
                        struct config_fault *fault)
{
    const struct config_list *list = config_key_find(name)->list;
    char *copy = mem_strdup(given->text);
    char *rest = copy;
    struct config_assignment item = *given;
    int rc = 0;

    config_list_clear(config, list);
    while (rc == 0 && rest) {
        item.text = strsep(&rest, ",");
        item.index = config_list_count(config, list);
        if (item.index == list->most) {
            rc = config_fail(fault, -E2BIG, "%s: more than %zu; at most %zu are allowed",
                             given->where, list->most, list->most);
            break;
        }
        config_list_add(config, list);
        rc = set(config, &item, fault);
    }
    free(copy);
    return rc;
}

static int set_address(struct config *config, const struct config_assignment *item,
                       struct config_fault *fault)
{
    static const char clear[] = "http://";
    static const char secure[] = "https://";
    struct config_assignment address = *item;

    address.text += strspn(address.text, " ");
    if (strncmp(address.text, clear, sizeof(clear) - 1) == 0) {
        config->listeners[item->index].tls = false;
        address.text += sizeof(clear) - 1;
    } else if (strncmp(address.text, secure, sizeof(secure) - 1) == 0) {
        address.text += sizeof(secure) - 1;
    }
    return config_assign(config, &address, fault);
}

/* The certificates of the listeners that are replaced: who moves a port means to keep them. */
struct identity {
    bool is_there;
    enum h2_tls_profile profile;
    char *certificate, *key, *ocsp_file;
    struct config_certificate certificates[CONFIG_MAX_CERTIFICATES];
    size_t count;
};

static struct config_certificate copy_certificate(const struct config_certificate *from)
{
    return (struct config_certificate){.line = from->line,
                                       .certificate = mem_strdup(from->certificate),
                                       .key = mem_strdup(from->key),
                                       .ocsp_file = mem_strdup(from->ocsp_file)};
}

static void take_identity(const struct config *config, struct identity *identity)
{
    for (size_t i = 0; i < config->listener_count && !identity->is_there; i++) {
        const struct config_listener *listener = &config->listeners[i];

        if (!listener->tls)
            continue;
        identity->is_there = true;
        identity->profile = listener->tls_profile;
        identity->certificate = mem_strdup(listener->certificate);
        identity->key = mem_strdup(listener->key);
        identity->ocsp_file = mem_strdup(listener->ocsp_file);
        for (; identity->count < listener->certificate_count; identity->count++)
            identity->certificates[identity->count] =
                copy_certificate(&listener->certificates[identity->count]);
    }
}

static void replace_text(char **text, const char *with)
{
    free(*text);
    *text = mem_strdup(with);
}

static void give_identity(struct config *config, const struct identity *identity)
{
    for (size_t i = 0; identity->is_there && i < config->listener_count; i++) {
        struct config_listener *listener = &config->listeners[i];

        if (!listener->tls)
            continue;
        replace_text(&listener->certificate, identity->certificate);
        replace_text(&listener->key, identity->key);
        replace_text(&listener->ocsp_file, identity->ocsp_file);
        listener->tls_profile = identity->profile;
        for (size_t at = 0; at < identity->count; at++)
            listener->certificates[at] = copy_certificate(&identity->certificates[at]);
        listener->certificate_count = identity->count;
    }
}

static void release_identity(struct identity *identity)
{
    for (size_t i = 0; i < identity->count; i++) {
        free(identity->certificates[i].certificate);
        free(identity->certificates[i].key);
        free(identity->certificates[i].ocsp_file);
    }
    free(identity->certificate);
    free(identity->key);
    free(identity->ocsp_file);
}

int config_replace_listeners(struct config *config, const char *where, const char *addresses,
                             struct config_fault *fault)
{
    const struct config_assignment given = {
        .key = config_key_find("listeners[].address"), .where = where, .text = addresses};
    struct identity identity = {.is_there = false};
    int rc;

    take_identity(config, &identity);
    rc = replace_list(config, "listeners", &given, set_address, fault);
    if (rc == 0)
        give_identity(config, &identity);
    release_identity(&identity);
    return rc;
}

int config_replace_api_keys(struct config *config, const char *where, const char *keys,
                            struct config_fault *fault)
{
    const struct config_assignment given = {
        .key = config_key_find("apiKeys[].key"), .where = where, .text = keys};

    return replace_list(config, "apiKeys", &given, config_assign, fault);
}
