/* SPDX-License-Identifier: Apache-2.0 */
#include "server/check_health.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "h2/listener.h"
#include "server/config.h"

#define LIMIT_MS 5000L

/* Rather one that does not expect a proxy: it may believe none of this machine. */
static const struct config_listener *choose(const struct config *config)
{
    for (size_t i = 0; i < config->listener_count; i++) {
        if (!config->listeners[i].proxy_protocol)
            return &config->listeners[i];
    }
    return &config->listeners[0];
}

/* All addresses are also this machine's own. */
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

static size_t drop(char *data, size_t size, size_t count, void *context)
{
    (void)data;
    (void)context;
    return size * count;
}

/* Whether the process is there and serves is asked, not who it is. */
static void prepare(CURL *call, const struct config_listener *listener, const char *url,
                    char reason[CURL_ERROR_SIZE])
{
    const char *path = h2_address_unix_path(listener->address);

    (void)curl_easy_setopt(call, CURLOPT_URL, url);
    (void)curl_easy_setopt(call, CURLOPT_ERRORBUFFER, reason);
    (void)curl_easy_setopt(call, CURLOPT_WRITEFUNCTION, drop);
    (void)curl_easy_setopt(call, CURLOPT_TIMEOUT_MS, LIMIT_MS);
    (void)curl_easy_setopt(call, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(call, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(call, CURLOPT_SSL_VERIFYPEER, 0L);
    (void)curl_easy_setopt(call, CURLOPT_SSL_VERIFYHOST, 0L);
    (void)curl_easy_setopt(
        call, CURLOPT_HTTP_VERSION,
        (long)(listener->tls ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE));
    (void)curl_easy_setopt(call, CURLOPT_HAPROXYPROTOCOL, listener->proxy_protocol ? 1L : 0L);
    if (path)
        (void)curl_easy_setopt(call, CURLOPT_UNIX_SOCKET_PATH, path);
}

static int ask(CURL *call, const char *url, const char *reason, char *fault, size_t fault_size)
{
    const CURLcode code = curl_easy_perform(call);
    long status = 0;

    if (code != CURLE_OK) {
        snprintf(fault, fault_size, "%s: no answer: %s", url,
                 *reason != '\0' ? reason : curl_easy_strerror(code));
        return -ECONNREFUSED;
    }
    (void)curl_easy_getinfo(call, CURLINFO_RESPONSE_CODE, &status);
    if (status == 200)
        return 0;
    snprintf(fault, fault_size, "%s answers %ld", url, status);
    return -EAGAIN;
}

int check_health(const struct config *config, const char *what, char *fault, size_t fault_size)
{
    const struct config_listener *listener = choose(config);
    char host[300], url[400], reason[CURL_ERROR_SIZE] = "";
    CURL *call = curl_easy_init();
    int rc = -ECONNREFUSED;

    write_host(listener->address, host, sizeof(host));
    snprintf(url, sizeof(url), "%s://%s/health/%s", listener->tls ? "https" : "http", host, what);
    snprintf(fault, fault_size, "%s: libcurl does not start", url);
    if (call) {
        prepare(call, listener, url, reason);
        rc = ask(call, url, reason, fault, fault_size);
    }
    curl_easy_cleanup(call);
    return rc;
}
