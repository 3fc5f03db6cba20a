/* SPDX-License-Identifier: Apache-2.0 */
#include "server/preflight.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "auth/credential.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "h2/listener.h"
#include "h2/tls.h"
#include "server/config_keys.h"
#include "server/config_parts.h"
#include "server/tls_reloader.h"
#include "server/version.h"

struct preflight {
    const struct config *config;
    struct tls_reloader *reloader; /* NULL: no server runs */
    struct buf *faults, *warnings;
};

static void complain(struct preflight *check, const char *key, const char *subject,
                     const char *reason, bool is_in_use)
{
    buf_printf(is_in_use ? check->warnings : check->faults, "%s: %s: \"%s\": %s\n",
               is_in_use ? "warning" : "sse-server", key, subject, reason);
}

/* 0 when the directory can be written, or a negative errno; is_made: by the start, with those above
 * it, where they are missing. */
static int ask_directory(const char *path, bool is_made)
{
    char *at = mem_strdup(*path != '\0' ? path : ".");
    struct stat status;
    int rc = 0;

    while (stat(at, &status) != 0) {
        if (errno != ENOENT || !is_made || strcmp(at, ".") == 0 || strcmp(at, "/") == 0) {
            rc = -errno;
            break;
        }
        if (strchr(at, '/'))
            (void)dirname(at); /* cuts the text, in place */
        else
            memcpy(at, ".", sizeof("."));
    }
    if (rc == 0 && !S_ISDIR(status.st_mode))
        rc = -ENOTDIR;
    if (rc == 0 && access(at, W_OK | X_OK) != 0)
        rc = -errno;
    free(at);
    return rc;
}

static void check_directory(struct preflight *check, const char *key, const char *path,
                            bool is_made)
{
    const int rc = ask_directory(path, is_made);
    char reason[120];

    if (rc == 0)
        return;
    snprintf(reason, sizeof(reason), "%s; give a directory that this user may write",
             strerror(-rc));
    complain(check, key, path, reason, check->reloader != NULL);
}

int preflight_ask_parent(const char *path)
{
    char *copy = mem_strdup(path);
    const int rc = ask_directory(dirname(copy), true);

    free(copy);
    return rc;
}

static void check_parent(struct preflight *check, const char *key, const char *path, bool is_made)
{
    char *copy = mem_strdup(path);

    check_directory(check, key, dirname(copy), is_made);
    free(copy);
}

static void check_file(struct preflight *check, const char *key, const char *path)
{
    struct stat status;

    check_parent(check, key, path, true);
    if (stat(path, &status) != 0) {
        if (errno == ELOOP)
            complain(check, key, path, strerror(errno), check->reloader != NULL);
        return; /* it is not there yet, or that has been said of its directory */
    }
    if (!S_ISREG(status.st_mode))
        complain(check, key, path, "is no file", check->reloader != NULL);
    else if (access(path, R_OK | W_OK) != 0)
        complain(check, key, path, strerror(errno), check->reloader != NULL);
}

static struct h2_tls_context *load_certificates(const struct config_listener *listener,
                                                const struct h2_tls_files *files, size_t count,
                                                char *fault, size_t fault_size)
{
    return h2_tls_context_new(
        &(struct h2_tls_options){.files = files, .count = count, .profile = listener->tls_profile},
        fault, fault_size);
}

static void name_certificate(const struct config_listener *listener, size_t index, size_t at,
                             char *key, size_t size)
{
    const bool has_first = *listener->files.certificate != '\0';

    if (at == 0 && has_first)
        snprintf(key, size, "listeners[%zu].certificate", index);
    else
        snprintf(key, size, "listeners[%zu].certificates[%zu]", index, at - has_first);
}

static void check_certificates(struct preflight *check, size_t index,
                               const struct config_listener *listener,
                               const struct h2_tls_files *files, size_t count)
{
    char key[80], fault[400] = "";
    struct h2_tls_context *tls = load_certificates(listener, files, count, fault, sizeof(fault));

    for (size_t i = 0; i < (tls ? count : 1); i++) {
        name_certificate(listener, index, i, key, sizeof(key));
        if (!tls || h2_tls_context_warning(tls, i, fault, sizeof(fault)) != 0)
            complain(check, key, files[i].certificate, fault,
                     tls && check->reloader && tls_reloader_has(check->reloader, tls, i));
    }
    h2_tls_context_free(tls);
}

static void check_tls(struct preflight *check, size_t index, const struct config_listener *listener)
{
    struct h2_tls_files files[CONFIG_MAX_TLS_FILES];
    const size_t count = config_tls_files(listener, files);

    if (count > 0)
        check_certificates(check, index, listener, files, count);
    else
        check_directory(check, "stateDirectory", check->config->state_directory, true);
}

static void check_listener(struct preflight *check, size_t index)
{
    const struct config_listener *listener = &check->config->listeners[index];
    const char *path = h2_address_unix_path(listener->address);
    const struct sockaddr_un address;
    char key[60];

    if (listener->tls)
        check_tls(check, index, listener);
    snprintf(key, sizeof(key), "listeners[%zu].address", index);
    if (!path)
        return;
    if (strlen(path) >= sizeof(address.sun_path))
        complain(check, key, listener->address, "is too long for a socket; 107 bytes are the most",
                 false);
    else
        check_parent(check, key, path, false);
}

static void check_service(struct preflight *check, size_t index)
{
    const struct config_service *service = &check->config->services[index];
    char key[60];

    snprintf(key, sizeof(key), "services[%zu].uploadDirectory", index);
    check_directory(check, key, service->api.upload_directory, true);
    snprintf(key, sizeof(key), "services[%zu].qos.file", index);
    if (service->store == CONFIG_STORE_SQLITE)
        check_file(check, key, service->api.qos.file);
}

void preflight(const struct config *config, struct tls_reloader *reloader, struct buf *faults,
               struct buf *warnings)
{
    struct preflight check = {config, reloader, faults, warnings};

    for (size_t i = 0; i < config->listener_count; i++)
        check_listener(&check, i);
    for (size_t i = 0; i < config->service_count; i++)
        check_service(&check, i);
}

/* Whether an API key may send to the service. */
static bool can_send(const struct config *config, size_t service)
{
    const struct config_service *asked = &config->services[service];

    for (size_t i = 0; i < config->api_key_count; i++) {
        const struct config_api_key *key = &config->api_keys[i];

        if (words_have(key->permissions, auth_permission_word(AUTH_MAY_SEND)) &&
            (*key->services == '\0' || words_have(key->services, asked->settings.name)))
            return true;
    }
    return false;
}

/* Whether its tokens may say that they may. */
static bool has_permissions(const struct config_service *service)
{
    return service->auth == CONFIG_AUTH_JWT && *service->jwt.claims.permissions != '\0';
}

static const char *scheme(const struct config_listener *listener)
{
    return listener->tls ? "https://" : "http://";
}

static void warn_of_certificates(const struct config_listener *listener, size_t index, FILE *to)
{
    struct h2_tls_files files[CONFIG_MAX_TLS_FILES];
    const size_t count = config_tls_files(listener, files);
    char key[80], hint[400];
    struct h2_tls_context *tls = listener->tls && count > 0
                                     ? load_certificates(listener, files, count, hint, sizeof(hint))
                                     : NULL;

    for (size_t i = 0; tls && i < count; i++) {
        if (h2_tls_context_hint(tls, i, hint, sizeof(hint)) == 0)
            continue;
        name_certificate(listener, index, i, key, sizeof(key));
        fprintf(to, "warning: %s: \"%s\": %s\n", key, files[i].certificate, hint);
    }
    h2_tls_context_free(tls);
}

/* Each service to which no API key may send, each certificate that is not used as is meant. */
static void warn(const struct config *config, FILE *to)
{
    for (size_t i = 0; i < config->listener_count; i++)
        warn_of_certificates(&config->listeners[i], i, to);
    for (size_t i = 0; i < config->service_count; i++) {
        const struct config_service *service = &config->services[i];

        if (can_send(config, i))
            continue;
        fprintf(to, "warning: nobody can send to the service %s", service->settings.name);
        if (has_permissions(service))
            fprintf(to, " but with a token whose claim \"%s\" has send",
                    service->jwt.claims.permissions);
        fputs("; add a key with the permission send to apiKeys (sse-server make-key)\n", to);
    }
}

static void print_listeners(const struct config *config, FILE *to)
{
    static const char *const roles[] = {[API_ROLE_ALL] = "",
                                        [API_ROLE_PUBLIC] = ", for pages",
                                        [API_ROLE_ADMIN] = ", for back ends"};

    for (size_t i = 0; i < config->listener_count; i++) {
        const struct config_listener *listener = &config->listeners[i];
        const char *certificate = listener->files.certificate;

        if (!listener->tls)
            certificate = "no TLS";
        else if (*certificate == '\0')
            certificate = "development certificate";
        fprintf(to, "listener %s%s (%s%s)\n", scheme(listener), listener->address, certificate,
                roles[listener->role]);
    }
}

/* Who has a listener for back ends may have forgotten that the others serve them, too. */
static void hint_at_roles(const struct config *config, FILE *to)
{
    bool has_admin = false;

    for (size_t i = 0; i < config->listener_count; i++)
        has_admin = has_admin || config->listeners[i].role == API_ROLE_ADMIN;
    for (size_t i = 0; has_admin && i < config->listener_count; i++) {
        if (config->listeners[i].role == API_ROLE_ALL)
            fprintf(to,
                    "hint: listeners[%zu] serves back ends and /metrics, too; set role: public if "
                    "it should not\n",
                    i);
    }
}

/* Not with a development certificate: whoever is told would refuse this machine's next one. */
static void hint_at_transport_security(const struct config *config, FILE *to)
{
    for (size_t i = 0; i < config->listener_count; i++) {
        const struct config_listener *listener = &config->listeners[i];

        if (*listener->files.certificate != '\0' && listener->role != API_ROLE_ADMIN &&
            *listener->transport_security == '\0')
            fprintf(to,
                    "hint: listeners[%zu] lets browsers come by http next time; once all of its "
                    "host is served by https, set strictTransportSecurity: max-age=63072000\n",
                    i);
    }
}

static void print_service(const struct config_service *service, FILE *to)
{
    fprintf(to, "service %s at %s (auth %s", service->settings.name, service->settings.base_path,
            config_key_find("services[].auth")->words[service->auth]);
    if (service->auth == CONFIG_AUTH_WEBHOOK)
        fprintf(to, " %s, %s", service->auth_webhook.url,
                *service->api.broker.webhook_secret != '\0' ? "signed" : "not signed");
    fputs(")\n", to);
}

/* Where they are; of a secret, nothing. */
static void print_token_keys(const struct config *config, FILE *to)
{
    for (size_t i = 0; i < config->token_key_count; i++) {
        const struct config_token_key *key = &config->token_keys[i];
        const char *services = *key->services != '\0' ? key->services : "all services";

        if (*key->jwks != '\0')
            fprintf(to, "token keys: the JWK set %s, for %s\n", key->jwks, services);
        else
            fprintf(to, "token key \"%s\" (%s, %s), for %s\n", key->id, key->algorithm,
                    *key->file != '\0' ? key->file : "a secret", services);
    }
}

void preflight_explain(const struct config *config, FILE *to)
{
    print_listeners(config, to);
    hint_at_roles(config, to);
    hint_at_transport_security(config, to);
    warn(config, to);
    config_warn(config, to);
    for (size_t i = 0; i < config->service_count; i++)
        print_service(&config->services[i], to);
    config_compat_print(config, to);
    print_token_keys(config, to);
    fprintf(to, "%zu API keys%s, state in %s\n", config->api_key_count,
            config->api_key_made ? " (made up at each start)" : "", config->state_directory);
}

/* Of the first listener that a browser on this machine can be sent to; NULL when there is none. */
static const char *browsable(const struct config *config, const struct h2_bound *bound)
{
    for (size_t i = 0; i < config->listener_count; i++) {
        if (config->listeners[i].tls && !config->listeners[i].proxy_protocol &&
            !h2_address_unix_path(bound[i].text))
            return bound[i].text;
    }
    return NULL;
}

/* One that may be shown: of some there is only a hash. */
static const char *known_key(const struct config *config)
{
    for (size_t i = 0; i < config->api_key_count; i++) {
        const char *key = config->api_keys[i].key;

        if (*key != '\0' && !auth_key_hash_is_text(key))
            return key;
    }
    return "YOUR-API-KEY";
}

static void show_demo(const struct config *config, const char *place)
{
    const char *base = config->services[0].settings.base_path;
    const char *key = known_key(config);

    printf(
        "\n"
        "  Open     https://%s/#key=%s\n"
        "           (the certificate is made for development: accept the browser's warning)\n"
        "  API key  %s\n"
        "\n"
        "  Listen   curl --http2 -k -N 'https://%s%s/connect?userId=7&name=Ann&listeners=hello'\n"
        "  Send     curl --http2 -k -H 'Authorization: Bearer %s' -H 'content-type: "
        "application/json' \\\n"
        "             -d '{\"event\":\"hello\",\"data\":{\"n\":1},\"userId\":\"7\"}' "
        "https://%s%s/send\n\n",
        place, key, key, place, base, key, place, base);
    (void)fflush(stdout);
}

void announce(const struct config *config, const struct h2_bound *bound, size_t workers)
{
    const char *place = config->demo ? browsable(config, bound) : NULL;

    for (size_t i = 0; i < config->listener_count; i++)
        log_info(
            "listening", LOG_STR("scheme", scheme(&config->listeners[i])),
            ((struct log_field){.key = "address", .text = bound[i].text, .ecs = "server.address"}));
    for (size_t i = 0; i < config->service_count; i++) {
        if (!can_send(config, i) && !has_permissions(&config->services[i]))
            log_warn("nobody can send to this service: no API key has the permission",
                     LOG_STR("service", config->services[i].settings.name));
        log_info("service", LOG_STR("name", config->services[i].settings.name),
                 LOG_STR("path", config->services[i].settings.base_path));
    }
    log_info("ready", LOG_STR("version", server_version), LOG_INT("workers", workers),
             LOG_INT("pid", getpid()));
    if (place)
        show_demo(config, place);
}
