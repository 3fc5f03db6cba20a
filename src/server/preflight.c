/* SPDX-License-Identifier: Apache-2.0 */
#include "server/preflight.h"

#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "auth/permission.h"
#include "base/mem.h"
#include "base/words.h"
#include "h2/listener.h"
#include "h2/tls.h"
#include "server/config_tls.h"
#include "server/tls_keeper.h"

struct preflight {
    const struct config *config;
    const struct preflight_use *use; /* NULL: there is none */
    FILE *to;
    size_t count;
};

static void complain(struct preflight *flight, const char *key, const char *subject,
                     const char *reason, bool is_in_use)
{
    FILE *to = is_in_use ? flight->use->warnings : flight->to;

    fprintf(to, "%s: %s: \"%s\": %s\n", is_in_use ? "warning" : "sse-server", key, subject, reason);
    flight->count += !is_in_use;
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

static void check_directory(struct preflight *flight, const char *key, const char *path,
                            bool is_made)
{
    const int rc = ask_directory(path, is_made);
    char reason[120];

    if (rc == 0)
        return;
    snprintf(reason, sizeof(reason), "%s; give a directory that this user may write",
             strerror(-rc));
    complain(flight, key, path, reason, flight->use != NULL);
}

static void check_parent(struct preflight *flight, const char *key, const char *path, bool is_made)
{
    char *copy = mem_strdup(path);

    check_directory(flight, key, dirname(copy), is_made);
    free(copy);
}

static void check_file(struct preflight *flight, const char *key, const char *path)
{
    struct stat status;

    check_parent(flight, key, path, true);
    if (stat(path, &status) != 0)
        return;
    if (!S_ISREG(status.st_mode))
        complain(flight, key, path, "is no file", flight->use != NULL);
    else if (access(path, R_OK | W_OK) != 0)
        complain(flight, key, path, strerror(errno), flight->use != NULL);
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
    const bool has_first = *listener->certificate != '\0';

    if (at == 0 && has_first)
        snprintf(key, size, "listeners[%zu].certificate", index);
    else
        snprintf(key, size, "listeners[%zu].certificates[%zu]", index, at - has_first);
}

static void check_certificates(struct preflight *flight, size_t index,
                               const struct config_listener *listener,
                               const struct h2_tls_files *files, size_t count)
{
    char key[80], fault[400] = "";
    struct h2_tls_context *tls = load_certificates(listener, files, count, fault, sizeof(fault));

    for (size_t i = 0; i < (tls ? count : 1); i++) {
        name_certificate(listener, index, i, key, sizeof(key));
        if (!tls || h2_tls_context_doubt(tls, i, fault, sizeof(fault)) != 0)
            complain(flight, key, files[i].certificate, fault,
                     tls && flight->use && tls_keeper_has(flight->use->keeper, tls, i));
    }
    h2_tls_context_free(tls);
}

static void check_tls(struct preflight *flight, size_t index,
                      const struct config_listener *listener)
{
    struct h2_tls_files files[CONFIG_MAX_TLS_FILES];
    const size_t count = config_tls_files(listener, files);

    if (count > 0)
        check_certificates(flight, index, listener, files, count);
    else
        check_directory(flight, "stateDirectory", flight->config->state_directory, true);
}

static void check_listener(struct preflight *flight, size_t index)
{
    const struct config_listener *listener = &flight->config->listeners[index];
    const char *path = h2_address_unix_path(listener->address);
    const struct sockaddr_un address;
    char key[60];

    if (listener->tls)
        check_tls(flight, index, listener);
    snprintf(key, sizeof(key), "listeners[%zu].address", index);
    if (!path)
        return;
    if (strlen(path) >= sizeof(address.sun_path))
        complain(flight, key, listener->address, "is too long for a socket; 107 bytes are the most",
                 false);
    else
        check_parent(flight, key, path, false);
}

static void check_service(struct preflight *flight, size_t index)
{
    const struct config_service *service = &flight->config->services[index];
    char key[60];

    snprintf(key, sizeof(key), "services[%zu].uploadDirectory", index);
    check_directory(flight, key, service->upload_directory, true);
    snprintf(key, sizeof(key), "services[%zu].qos.file", index);
    if (service->qos.store == CONFIG_STORE_SQLITE)
        check_file(flight, key, service->qos.file);
}

size_t preflight(const struct config *config, const struct preflight_use *use, FILE *to)
{
    struct preflight flight = {.config = config, .use = use, .to = to};

    for (size_t i = 0; i < config->listener_count; i++)
        check_listener(&flight, i);
    for (size_t i = 0; i < config->service_count; i++)
        check_service(&flight, i);
    return flight.count;
}

bool preflight_can_send(const struct config *config, size_t service)
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

bool preflight_has_permissions(const struct config_service *service)
{
    return service->auth == CONFIG_AUTH_JWT && *service->jwt.claims.permissions != '\0';
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

void preflight_warn(const struct config *config, FILE *to)
{
    for (size_t i = 0; i < config->listener_count; i++)
        warn_of_certificates(&config->listeners[i], i, to);
    for (size_t i = 0; i < config->service_count; i++) {
        const struct config_service *service = &config->services[i];

        if (preflight_can_send(config, i))
            continue;
        fprintf(to, "warning: nobody can send to the service %s", service->settings.name);
        if (preflight_has_permissions(service))
            fprintf(to, " but with a token whose claim \"%s\" has send",
                    service->jwt.claims.permissions);
        fputs("; add a key with the permission send to apiKeys (sse-server make-key)\n", to);
    }
}
