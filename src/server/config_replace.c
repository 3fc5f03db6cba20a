/* SPDX-License-Identifier: Apache-2.0 */
/* The shorthands that replace a whole list at once: addresses, API keys. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "server/config.h"
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

/* The certificate of the listeners that are replaced: who moves a port means to keep it. */
struct identity {
    char *certificate;
    char *key;
    enum h2_tls_profile profile;
};

static struct identity take_identity(const struct config *config)
{
    struct identity identity = {.certificate = NULL};

    for (size_t i = 0; i < config->listener_count; i++) {
        const struct config_listener *listener = &config->listeners[i];

        if (!listener->tls)
            continue;
        identity.profile = listener->tls_profile;
        identity.certificate = mem_strdup(listener->certificate);
        identity.key = mem_strdup(listener->key);
        break;
    }
    return identity;
}

static void give_identity(struct config *config, const struct identity *identity)
{
    for (size_t i = 0; i < config->listener_count; i++) {
        struct config_listener *listener = &config->listeners[i];

        if (!listener->tls)
            continue;
        free(listener->certificate);
        free(listener->key);
        listener->certificate = mem_strdup(identity->certificate);
        listener->key = mem_strdup(identity->key);
        listener->tls_profile = identity->profile;
    }
}

int config_replace_listeners(struct config *config, const char *where, const char *addresses,
                             struct config_fault *fault)
{
    const struct config_assignment given = {config_key_find("listeners[].address"), 0, where,
                                            addresses};
    struct identity identity = take_identity(config);
    int rc = replace_list(config, "listeners", &given, set_address, fault);

    if (rc == 0 && identity.certificate)
        give_identity(config, &identity);
    free(identity.certificate);
    free(identity.key);
    return rc;
}

int config_replace_api_keys(struct config *config, const char *where, const char *keys,
                            struct config_fault *fault)
{
    const struct config_assignment given = {config_key_find("apiKeys[].key"), 0, where, keys};

    return replace_list(config, "apiKeys", &given, config_assign, fault);
}
