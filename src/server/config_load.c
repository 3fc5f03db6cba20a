/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config_load.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/random.h"
#include "server/config_keys.h"
#include "server/config_parts.h"
#include "server/config_value.h"
#include "server/version.h"

/* One listener, and one service for who is just looking. */
static void set_demo(struct config *config)
{
    struct config_service *service = config_list_add(config, config_key_find("services")->list);

    free((char *)service->settings.name);
    service->settings.name = mem_strdup("demo");
    config->demo = true;
}

static void init(struct config *config)
{
    memset(config, 0, sizeof(*config));
    config_set_defaults(config, NULL);
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
    for (size_t i = 0; rc == 0 && i < COUNT(flags); i++) {
        const struct config_assignment assignment = {
            .key = config_key_find(flags[i].key), .where = flags[i].flag, .text = flags[i].text};

        if (flags[i].text)
            rc = config_assign(config, &assignment, fault);
    }
    return rc;
}

/* ---- secrets from files, as Kubernetes and systemd (LoadCredential) have them ---- */

/* As the path is meant; the caller frees it. */
static char *whole_path(const char *path, char *const *environment)
{
    const char *directory = config_variable(environment, "CREDENTIALS_DIRECTORY");
    struct buf whole = BUF_INIT;

    if (directory && *path != '/')
        buf_printf(&whole, "%s/", directory);
    buf_append_str(&whole, path);
    return buf_detach(&whole);
}

static size_t without_line_end(const char *text, size_t length)
{
    if (length > 0 && text[length - 1] == '\n')
        length--;
    if (length > 0 && text[length - 1] == '\r')
        length--;
    return length;
}

static const char *fault_of(const char *text, size_t length, int error)
{
    if (!text && error == EFBIG)
        return "is larger than a secret may be; give the file that has it alone";
    if (!text)
        return strerror(error);
    if (length == 0)
        return "is empty; write the secret into it";
    return strlen(text) < length ? "holds a NUL; write the secret as text" : NULL;
}

static void wipe(char *text, size_t length)
{
    if (text)
        OPENSSL_cleanse(text, length);
    free(text);
}

char *config_read_secret(const char *path, char *const *environment, size_t most,
                         struct config_fault *fault)
{
    char *whole = whole_path(path, environment);
    size_t length = 0;
    char *text = file_read(whole, most + 2, &length); /* with the end of a line */
    const int error = errno;
    const char *sentence;

    if (text) {
        const size_t end = without_line_end(text, length);

        text[end] = '\0';
        length = end;
    }
    sentence = fault_of(text, length, error);
    if (sentence) {
        (void)config_fail(fault, -EINVAL, "\"%.120s\": %s", whole, sentence);
        wipe(text, length);
        text = NULL;
    }
    free(whole);
    return text;
}

struct reading {
    const struct config *config;
    char *const *environment;
    struct config_fault *fault;
};

static int fail_secret(const struct reading *reading, const struct config_key *key,
                       const void *owner, size_t index, const char *sentence)
{
    const char *file = reading->config->file;
    struct buf name = BUF_INIT;
    char place[200] = "";
    unsigned line = 0;

    if (key->list)
        memcpy(&line, owner, sizeof(line)); /* an item begins with it */
    if (file && line > 0)
        snprintf(place, sizeof(place), "%.150s:%u: ", file, line);
    else if (file && !key->list)
        snprintf(place, sizeof(place), "%.150s: ", file);
    config_key_append_name(key, (const size_t[CONFIG_DEPTH]){index}, &name);
    (void)config_fail(reading->fault, -EINVAL, "%s%s: %s", place, buf_str(&name), sentence);
    buf_release(&name);
    return -EINVAL;
}

/* Into the key beside it. */
static int read_secret(const struct reading *reading, const struct config_key *key, void *owner,
                       size_t index)
{
    const struct config_key *secret = config_key_beside(key);
    const char *path = config_value_text(key, owner);
    struct config_fault fault;
    char *text;
    int rc;

    if (*path == '\0')
        return 0;
    if (*config_value_text(secret, owner) != '\0') {
        (void)config_fail(&fault, -EINVAL, "stands beside %s; give one of the two",
                          config_key_last(secret->name));
        return fail_secret(reading, key, owner, index, fault.message);
    }
    text = config_read_secret(path, reading->environment, secret->high, &fault);
    rc = text ? config_value_set(secret, owner, text, &fault) : -EINVAL;
    wipe(text, text ? strlen(text) : 0);
    return rc == 0 ? 0 : fail_secret(reading, key, owner, index, fault.message);
}

static int read_secrets(struct config *config, char *const *environment, struct config_fault *fault)
{
    const struct reading reading = {config, environment, fault};
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        const size_t owners = key->list ? config_list_count(config, key->list) : 1;

        for (size_t item = 0; rc == 0 && key->is_file && item < owners; item++)
            rc = read_secret(&reading, key,
                             key->list ? config_list_item(config, key->list, item) : config, item);
    }
    return rc;
}

/* ---- what follows from other keys ---- */

/* The defaults in config_keys.c. */
#define NOTICE_MS 5000u
#define SPREAD_MS 12000u

static uint32_t least(uint32_t one, uint32_t other)
{
    return one < other ? one : other;
}

/* Where drainTime is too short for the defaults of the others, these are made shorter. */
static void fill_drain(struct config *config)
{
    const uint32_t most = config->drain_ms;
    const uint32_t fixed = (config->stop_notice_ms == NOTICE_MS ? 0 : config->stop_notice_ms) +
                           (config->drain_spread_ms == SPREAD_MS ? 0 : config->drain_spread_ms);
    uint32_t left = fixed < most ? most - fixed : 0;

    if (config->stop_notice_ms == NOTICE_MS) {
        config->stop_notice_ms = least(NOTICE_MS, left / 4);
        left -= config->stop_notice_ms;
    }
    if (config->drain_spread_ms == SPREAD_MS)
        config->drain_spread_ms = least(SPREAD_MS, left / 5 * 4);
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

    if (service->auth == CONFIG_AUTH_DEVELOPMENT)
        return;
    buf_append_str(&names, service->api.secret_names);
    if (service->auth == CONFIG_AUTH_JWT)
        buf_printf(&names, ", %s", service->jwt.parameter);
    else
        buf_printf(&names, ", %s, %s", service->auth_webhook.names.parameters,
                   service->auth_webhook.names.headers);
    replace((char **)&service->api.secret_names, &names);
}

/* Where nothing is said: what stands in buf, which is emptied in any case. */
static void fill(char **text, struct buf *with)
{
    if (**text == '\0')
        replace(text, with);
    buf_release(with);
}

static void fill_paths(struct config *config)
{
    struct buf path = BUF_INIT;

    buf_printf(&path, "%s/audit.log", config->state_directory);
    fill(&config->audit_file, &path);
    for (size_t i = 0; i < config->service_count; i++) {
        struct config_service *service = &config->services[i];
        const char *name = service->settings.name;

        buf_printf(&path, "/sse/%s", name);
        fill((char **)&service->settings.base_path, &path);
        buf_printf(&path, "%s/%s/uploads", config->state_directory, name);
        fill((char **)&service->api.upload_directory, &path);
        buf_printf(&path, "%s/%s/messages.sqlite", config->state_directory, name);
        fill((char **)&service->api.qos.file, &path);
    }
}

static void fill_services(struct config *config)
{
    for (size_t i = 0; i < config->service_count; i++) {
        struct config_service *service = &config->services[i];

        service->settings.version = server_version;
        service->settings.asks_acknowledgement = service->acknowledgement != CONFIG_ACK_WRITE;
        service->settings.asks_who_offers = service->acknowledgement == CONFIG_ACK_CLIENT;
        hide_credentials(service);
    }
}

/* The demo has one, made up; those without a name get one. */
static void fill_api_keys(struct config *config)
{
    struct buf text = BUF_INIT;
    char key[2 * 16 + 1];

    if (config->demo && config->api_key_count == 0) {
        struct config_api_key *made = config_list_add(config, config_key_find("apiKeys")->list);

        random_hex(key, 16);
        buf_append_str(&text, key);
        fill(&made->key, &text);
        buf_append_str(&text, "demo");
        fill(&made->name, &text);
        config->api_key_made = true;
    }
    for (size_t i = 0; i < config->api_key_count; i++) {
        buf_printf(&text, "key-%zu", i + 1);
        fill(&config->api_keys[i].name, &text);
    }
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
        rc = read_secrets(config, sources->environment, fault);
    if (rc == 0)
        rc = find_state_directory(config, sources->environment, fault);
    if (rc == 0) {
        config_compat_apply(config);
        fill_drain(config);
        fill_paths(config);
        fill_services(config);
        fill_api_keys(config);
        rc = config_check(config, fault);
    }
    if (rc != 0)
        config_release(config);
    return rc;
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

void config_release(struct config *config)
{
    config_owner_release(config, NULL);
    free(config->file);
    free(config->given);
    memset(config, 0, sizeof(*config));
}
