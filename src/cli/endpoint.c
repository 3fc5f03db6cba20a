/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/endpoint.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/credential.h"
#include "base/buf.h"
#include "base/http_url.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/line.h"
#include "h2/listener.h"
#include "server/config_parts.h"

#define KEY_BYTES ((size_t)8 * 1024)

/* ---- by a URL ---- */

static int read_url(struct cli_endpoint *endpoint, const char *text, const char *service,
                    struct config_fault *fault)
{
    struct http_url url;
    const char *wrong = http_url_read(&url, text);
    const char *path = wrong ? "" : strchr(strstr(text, "://") + 3, '/');
    struct buf base = BUF_INIT;
    size_t length;

    if (!wrong && strpbrk(text, "?#"))
        wrong = "must not have a query or a fragment";
    if (wrong)
        return config_fail(fault, -EINVAL, "\"%.200s\" is no URL of a service: it %s", text, wrong);
    length = path ? strlen(path) : 0;
    while (length > 0 && path[length - 1] == '/')
        length--;
    if (length > 0)
        buf_append(&base, path, length);
    else if (service)
        buf_printf(&base, "/sse/%s", service);
    else
        return config_fail(fault, -EINVAL,
                           "\"%.200s\" has no path; give the service's base path, as in "
                           "https://push.example.org/sse/app, or --service",
                           text);
    endpoint->origin = mem_strndup(text, path ? (size_t)(path - text) : strlen(text));
    endpoint->base = buf_detach(&base);
    endpoint->is_clear = !url.is_https;
    return 0;
}

/* ---- by the settings ---- */

/* Host and port of a listener on its own machine: all addresses are also that machine's. */
static void write_host(const char *address, char *to, size_t size)
{
    const char *port = strrchr(address, ':');
    const int length = port ? (int)(port - address) : 0;

    if (h2_address_unix_path(address))
        snprintf(to, size, "localhost");
    else if (strncmp(address, "[::]:", 5) == 0)
        snprintf(to, size, "[::1]%s", port);
    else if (length == 0 || strncmp(address, "*:", 2) == 0 || strncmp(address, "0.0.0.0:", 8) == 0)
        snprintf(to, size, "127.0.0.1%s", port ? port : "");
    else
        snprintf(to, size, "%s", address);
}

void cli_endpoint_set(struct cli_endpoint *endpoint, const struct config_listener *listener)
{
    char host[300], origin[320];

    write_host(listener->address, host, sizeof(host));
    snprintf(origin, sizeof(origin), "%s://%s", listener->tls ? "https" : "http", host);
    endpoint->origin = mem_strdup(origin);
    endpoint->socket = mem_strdup(h2_address_unix_path(listener->address));
    endpoint->is_clear = !listener->tls;
    endpoint->is_of_settings = true;
    endpoint->proxy_protocol = listener->proxy_protocol;
}

const struct config_listener *cli_listener_of(const struct config *config, bool is_for_back_ends)
{
    const struct config_listener *chosen = NULL;

    for (size_t i = 0; i < config->listener_count; i++) {
        const struct config_listener *listener = &config->listeners[i];

        if (is_for_back_ends && listener->role == API_ROLE_PUBLIC)
            continue;
        if (!listener->proxy_protocol)
            return listener;
        if (!chosen)
            chosen = listener;
    }
    return chosen;
}

/* "sha256//" and the hash of the public key of the first certificate of the file, with a ';' behind
 * those before it. */
static int append_public_key(const char *path, struct buf *to)
{
    FILE *file = fopen(path, "re");
    X509 *certificate = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
    unsigned char hash[SHA256_DIGEST_LENGTH], *bytes = NULL;
    int rc = file ? -EINVAL : -errno;
    int length = certificate ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &bytes) : -1;

    if (length > 0 && SHA256(bytes, (size_t)length, hash)) {
        buf_append_str(to, to->length > 0 ? ";sha256//" : "sha256//");
        base64_encode(BASE64, hash, sizeof(hash), to);
        rc = 0;
    }
    ERR_clear_error();
    OPENSSL_free(bytes);
    X509_free(certificate);
    if (file)
        fclose(file);
    return rc;
}

static int fail_certificate(const struct config *config, const char *path, int error,
                            struct config_fault *fault)
{
    return config_fail(fault, error == -EINVAL ? -EIO : error,
                       "the server's certificate %.200s cannot be read: %s; %s, or give --url with "
                       "--cacert",
                       path, error == -EINVAL ? "it is not PEM" : strerror(-error),
                       config->file ? "run this as the server's user"
                                    : "give the --config that the server was started with");
}

static int find_public_keys(struct cli_endpoint *endpoint, const struct config *config,
                            const struct config_listener *listener, struct config_fault *fault)
{
    struct h2_tls_files files[CONFIG_MAX_TLS_FILES];
    size_t count = config_tls_files(listener, files);
    struct buf keys = BUF_INIT, made = BUF_INIT;
    int rc = 0;

    if (count == 0) {
        buf_printf(&made, "%s/development-cert.pem", config->state_directory);
        files[count++].certificate = buf_str(&made);
    }
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = append_public_key(files[i].certificate, &keys);
        if (rc != 0)
            rc = fail_certificate(config, files[i].certificate, rc, fault);
    }
    if (rc == 0)
        endpoint->public_keys = buf_detach(&keys);
    buf_release(&keys);
    buf_release(&made);
    return rc;
}

static const struct config_service *choose_service(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->service_count; i++) {
        if (!name || strcmp(config->services[i].settings.name, name) == 0)
            return &config->services[i];
    }
    return NULL;
}

static int read_settings(struct cli_endpoint *endpoint, const struct cli_line *line,
                         const struct config *config, struct config_fault *fault)
{
    const struct config_listener *listener = cli_listener_of(config, true);
    const struct config_service *service = choose_service(config, line->service);

    if (!service)
        return config_fail(fault, -EINVAL, "--service: there is no service \"%.60s\"",
                           line->service);
    if (!listener)
        return config_fail(fault, -EINVAL,
                           "all listeners have the role public: none is for back ends; add one, or "
                           "give --url");
    cli_endpoint_set(endpoint, listener);
    endpoint->base = mem_strdup(service->settings.base_path);
    if (endpoint->is_clear || endpoint->ca_file || endpoint->takes_any)
        return 0;
    return find_public_keys(endpoint, config, listener, fault);
}

/* ---- the key ---- */

static bool is_usable(const struct config_api_key *key, const struct cli_line *line,
                      const char *permission, const char *service)
{
    if (*key->key == '\0' || auth_key_hash_is_text(key->key))
        return false; /* only its hash is known */
    if (line->key)
        return strcmp(key->name, line->key) == 0;
    return words_have(key->permissions, permission) &&
           (*key->services == '\0' || !service || words_have(key->services, service));
}

static int find_key(struct cli_endpoint *endpoint, const struct cli_line *line,
                    const struct config *config, const char *permission, struct config_fault *fault)
{
    const struct config_service *service = choose_service(config, line->service);

    if (config->api_key_made)
        return config_fail(fault, -EINVAL,
                           "the demo makes its API key at each start and prints it: give that in "
                           "SSE_API_KEY, or start it with SSE_SERVER_API_KEY and set that here");
    for (size_t i = 0; i < config->api_key_count; i++) {
        if (!is_usable(&config->api_keys[i], line, permission,
                       service ? service->settings.name : NULL))
            continue;
        endpoint->key = mem_strdup(config->api_keys[i].key);
        return 0;
    }
    if (line->key)
        return config_fail(fault, -EINVAL,
                           "--key names one of apiKeys, and none of that name is there as text; "
                           "give a key itself in SSE_API_KEY, or --key-file");
    return config_fail(fault, -EINVAL,
                       "no key of apiKeys that is there as text has the permission %s; give one in "
                       "SSE_API_KEY, or --key-file",
                       permission);
}

/* From where it is said beside the settings; 0 with no key when it is not. */
static int read_key(struct cli_endpoint *endpoint, const struct cli_line *line,
                    struct config_fault *fault)
{
    const char *given = config_variable(line->sources.environment, "SSE_API_KEY");
    struct config_fault sentence;

    if (line->key_file) {
        endpoint->key =
            config_read_secret(line->key_file, line->sources.environment, KEY_BYTES, &sentence);
        if (!endpoint->key)
            return config_fail(fault, -EINVAL, "--key-file: %s", sentence.message);
    } else if (given && !line->key) {
        endpoint->key = mem_strdup(given);
    }
    return 0;
}

/* It becomes a field of the request. */
static int check_key(const struct cli_endpoint *endpoint, struct config_fault *fault)
{
    for (const char *at = endpoint->key; at && *at != '\0'; at++) {
        if ((unsigned char)*at <= ' ' || (unsigned char)*at >= 0x7f)
            return config_fail(fault, -EINVAL,
                               "the API key holds a blank, a line break or what is not ASCII; give "
                               "the key alone, in one line");
    }
    return 0;
}

static int use_settings(struct cli_endpoint *endpoint, const struct cli_line *line,
                        const char *permission, struct config_fault *fault)
{
    struct config config;
    int rc = config_load_from(&config, &line->sources, fault);

    if (rc != 0)
        return -EINVAL;
    if (!endpoint->origin)
        rc = read_settings(endpoint, line, &config, fault);
    if (rc == 0 && !endpoint->key)
        rc = find_key(endpoint, line, &config, permission, fault);
    config_release(&config);
    return rc;
}

int cli_endpoint_find(struct cli_endpoint *endpoint, const struct cli_line *line,
                      const char *permission, struct config_fault *fault)
{
    char *const *environment = line->sources.environment;
    const char *url = line->url;
    int rc;

    /* A file that is named is meant, whatever the shell has had set. */
    if (!url && !line->sources.file)
        url = config_variable(environment, "SSE_URL");
    memset(endpoint, 0, sizeof(*endpoint));
    endpoint->ca_file = line->ca_file ? line->ca_file : config_variable(environment, "SSE_CA_FILE");
    endpoint->takes_any = line->insecure != NULL;
    rc = read_key(endpoint, line, fault);
    if (rc == 0 && url)
        rc = read_url(endpoint, url, line->service, fault);
    if (rc == 0 && url && !endpoint->key && !line->sources.file)
        rc = config_fail(fault, -EINVAL,
                         "there is no API key to show; give it in SSE_API_KEY, or --key-file");
    if (rc == 0 && (!url || !endpoint->key))
        rc = use_settings(endpoint, line, permission, fault);
    if (rc == 0)
        rc = check_key(endpoint, fault);
    if (rc != 0)
        cli_endpoint_release(endpoint);
    return rc;
}

void cli_endpoint_release(struct cli_endpoint *endpoint)
{
    if (endpoint->key)
        OPENSSL_cleanse(endpoint->key, strlen(endpoint->key));
    free(endpoint->key);
    free(endpoint->origin);
    free(endpoint->base);
    free(endpoint->socket);
    free(endpoint->public_keys);
    memset(endpoint, 0, sizeof(*endpoint));
}
