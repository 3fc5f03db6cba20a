/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config_load.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/random.h"
#include "server/config_api_keys.h"
#include "server/config_check.h"
#include "server/config_compat.h"
#include "server/config_keys.h"
#include "server/config_source.h"
#include "server/config_value.h"
#include "server/drain.h"
#include "server/version.h"

/* The defaults of all keys that lie in owner: an item of list, or (NULL) struct config. */
static void set_defaults(void *owner, const struct config_list *list)
{
    char fault[256];

    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];

        if (key->list != list || !key->fallback || key->is_shorthand)
            continue;
        /* A length below the least is no fault here: the key has to be given. */
        if (config_key_is_text(key) && *key->fallback == '\0') {
            char *empty = mem_strdup("");

            memcpy((char *)owner + key->offset, &empty, sizeof(empty));
        } else if (config_value_set(key, owner, key->fallback, fault, sizeof(fault)) != 0) {
            abort(); /* a row of the table that contradicts itself */
        }
    }
}

size_t config_list_count(const void *owner, const struct config_list *list)
{
    size_t count = 0;

    memcpy(&count, (const char *)owner + list->count, sizeof(count));
    return count;
}

void *config_list_item(void *owner, const struct config_list *list, size_t index)
{
    return (char *)owner + list->items + index * list->item_size;
}

void *config_list_owner(struct config *config, const struct config_list *list, size_t outer)
{
    return list->within ? config_list_item(config, list->within, outer) : config;
}

void config_list_set_count(void *owner, const struct config_list *list, size_t count)
{
    memcpy((char *)owner + list->count, &count, sizeof(count));
}

void config_list_add(void *owner, const struct config_list *list)
{
    size_t count = config_list_count(owner, list);
    void *item = config_list_item(owner, list, count);

    memset(item, 0, list->item_size);
    set_defaults(item, list);
    config_list_set_count(owner, list, count + 1);
}

/* All that lies in owner: an item of list, or (NULL) struct config. */
static void release_owner(void *owner, const struct config_list *list)
{
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];

        if (key->type == CONFIG_LIST && key->list->within == list)
            config_list_clear(owner, key->list);
        else if (key->type != CONFIG_LIST && key->list == list && !key->is_shorthand)
            config_value_release(key, owner);
    }
}

void config_list_clear(void *owner, const struct config_list *list)
{
    size_t count = config_list_count(owner, list);

    for (size_t i = 0; i < count; i++)
        release_owner(config_list_item(owner, list, i), list);
    config_list_set_count(owner, list, 0);
}

struct config_given {
    const struct config_key *key;
    size_t index;
};

static void note_given(struct config *config, const struct config_assignment *assignment)
{
    config->given = mem_realloc(config->given, (config->given_count + 1) * sizeof(*config->given));
    config->given[config->given_count++] = (struct config_given){
        .key = assignment->key, .index = assignment->key->list ? assignment->index : 0};
}

bool config_is_given(const struct config *config, const struct config_key *key, size_t index)
{
    for (size_t i = 0; i < config->given_count; i++) {
        if (config->given[i].key == key && config->given[i].index == index)
            return true;
    }
    return false;
}

int config_assign(struct config *config, const struct config_assignment *assignment,
                  struct config_fault *fault)
{
    const struct config_key *key = assignment->key;
    char sentence[384];
    void *owner = config;
    int rc = 0;

    if (key->list)
        owner = config_list_item(config_list_owner(config, key->list, assignment->outer), key->list,
                                 assignment->index);
    rc = config_value_set(key, owner, assignment->text, sentence, sizeof(sentence));
    if (rc != 0)
        return config_fail(fault, rc, "%.120s: %s", assignment->where, sentence);
    note_given(config, assignment);
    return 0;
}

/* One listener, and one service for who is just looking. */
static void set_demo(struct config *config)
{
    struct config_service *service = &config->services[0];

    config_list_add(config, config_key_find("services")->list);
    free((char *)service->settings.name);
    service->settings.name = mem_strdup("demo");
    config->demo = true;
}

static void init(struct config *config)
{
    memset(config, 0, sizeof(*config));
    set_defaults(config, NULL);
    config_list_add(config, config_key_find("listeners")->list);
}

void config_init_demo(struct config *config)
{
    init(config);
    set_demo(config);
}

static int read_flags(struct config *config, const struct config_sources *sources,
                      struct config_fault *fault)
{
    const struct {
        const char *key, *flag, *text;
    } flags[] = {{"workers", "--workers", sources->workers},
                 {"log.level", "--log-level", sources->log_level}};
    int rc = 0;

    if (sources->listen)
        rc = config_replace_listeners(config, "--listen", sources->listen, fault);
    for (size_t i = 0; rc == 0 && i < sizeof(flags) / sizeof(flags[0]); i++) {
        const struct config_assignment assignment = {
            .key = config_key_find(flags[i].key), .where = flags[i].flag, .text = flags[i].text};

        if (flags[i].text)
            rc = config_assign(config, &assignment, fault);
    }
    return rc;
}

static void replace(char **text, struct buf *with)
{
    free(*text);
    *text = buf_detach(with);
}

/* Where systemd says, or below the home directory. */
static int find_state_directory(struct config *config, char *const *environment,
                                struct config_fault *fault)
{
    const char *given = config_variable(environment, "STATE_DIRECTORY");
    const char *state = config_variable(environment, "XDG_STATE_HOME");
    const char *home = config_variable(environment, "HOME");
    struct buf path = BUF_INIT;

    if (*config->state_directory != '\0')
        return 0;
    if (given)
        buf_append(&path, given, strcspn(given, ":"));
    else if (state)
        buf_printf(&path, "%s/sse-server", state);
    else if (home)
        buf_printf(&path, "%s/.local/state/sse-server", home);
    else
        return config_fail(fault, -EINVAL,
                           "stateDirectory: neither it nor $STATE_DIRECTORY, $XDG_STATE_HOME or "
                           "$HOME is given; set one, such as " CONFIG_PREFIX
                           "STATE_DIRECTORY=/var/lib/sse-server");
    replace(&config->state_directory, &path);
    return 0;
}

/* Whatever they are called, the parameters and fields that have the credential hold a secret. */
static void hide_credentials(struct config_service *service)
{
    struct buf names = BUF_INIT;

    switch (service->auth) {
    case CONFIG_AUTH_JWT:
        buf_printf(&names, "%s, %s", service->secret_names, service->jwt.parameter);
        break;
    case CONFIG_AUTH_WEBHOOK:
        buf_printf(&names, "%s, %s, %s", service->secret_names,
                   service->auth_webhook.names.parameters, service->auth_webhook.names.headers);
        break;
    case CONFIG_AUTH_DEVELOPMENT:
        return;
    }
    replace(&service->secret_names, &names);
}

static void fill_path(const struct config *config, const struct config_service *service,
                      char **path, const char *name)
{
    struct buf text = BUF_INIT;

    if (**path != '\0')
        return;
    buf_printf(&text, "%s/%s/%s", config->state_directory, service->settings.name, name);
    replace(path, &text);
}

static void fill_audit(struct config *config)
{
    struct buf text = BUF_INIT;

    if (*config->audit_file != '\0')
        return;
    buf_printf(&text, "%s/audit.log", config->state_directory);
    replace(&config->audit_file, &text);
}

/* What follows from other keys. */
static void fill_services(struct config *config)
{
    for (size_t i = 0; i < config->service_count; i++) {
        struct config_service *service = &config->services[i];
        struct buf path = BUF_INIT;

        service->settings.version = server_version;
        service->settings.asks_acknowledgement = service->qos.acknowledgement != CONFIG_ACK_WRITE;
        service->settings.asks_who_offers = service->qos.acknowledgement == CONFIG_ACK_CLIENT;
        if (*service->settings.base_path == '\0') {
            buf_printf(&path, "/sse/%s", service->settings.name);
            free((char *)service->settings.base_path);
            service->settings.base_path = buf_detach(&path);
        }
        fill_path(config, service, &service->upload_directory, "uploads");
        fill_path(config, service, &service->qos.file, "messages.sqlite");
        hide_credentials(service);
    }
}

static void make_demo_key(struct config *config)
{
    char key[2 * 16 + 1];

    if (!config->demo || config->api_key_count > 0)
        return;
    random_hex(key, 16);
    config_list_add(config, config_key_find("apiKeys")->list);
    free(config->api_keys[0].key);
    free(config->api_keys[0].name);
    config->api_keys[0].key = mem_strdup(key);
    config->api_keys[0].name = mem_strdup("demo");
    config->api_key_made = true;
}

int config_load_from(struct config *config, const struct config_sources *sources,
                     struct config_fault *fault)
{
    int rc = 0;

    init(config);
    if (sources->file)
        rc = config_read_file(config, sources->file, fault);
    else
        set_demo(config);
    if (rc == 0)
        rc = config_read_environment(config, sources->environment, fault);
    if (rc == 0)
        rc = read_flags(config, sources, fault);
    if (rc == 0)
        rc = config_read_secrets(config, sources->environment, fault);
    if (rc == 0)
        rc = find_state_directory(config, sources->environment, fault);
    if (rc == 0) {
        config_compat_apply(config);
        drain_fill_settings(config);
        fill_audit(config);
        fill_services(config);
        make_demo_key(config);
        config_fill_api_keys(config);
        rc = config_check(config, fault);
    }
    if (rc != 0) {
        config_release(config);
        return rc;
    }
    return 0;
}

char *config_find_state(const struct config_sources *sources, struct config_fault *fault)
{
    const char *given = config_variable(sources->environment, CONFIG_PREFIX "STATE_DIRECTORY");
    struct config_fault other;
    struct config config;
    char *directory = NULL;
    int rc = 0;

    init(&config);
    if (sources->file)
        rc = config_read_file(&config, sources->file, fault);
    if (rc == 0)
        rc = config_read_environment(&config, sources->environment, fault);
    /* What comes before the fault was taken. The variable wins over the file in any case. */
    if (rc != 0 && given) {
        free(config.state_directory);
        config.state_directory = mem_strdup(given);
    }
    if (find_state_directory(&config, sources->environment, rc == 0 ? fault : &other) == 0)
        directory = mem_strdup(config.state_directory);
    config_release(&config);
    return directory;
}

int config_load(struct config *config, const char *path, char *const *environment,
                struct config_fault *fault)
{
    const struct config_sources sources = {.file = path, .environment = environment};

    return config_load_from(config, &sources, fault);
}

void config_release(struct config *config)
{
    release_owner(config, NULL);
    free(config->file);
    free(config->given);
    memset(config, 0, sizeof(*config));
}
