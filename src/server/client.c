/* SPDX-License-Identifier: Apache-2.0 */
#include "server/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "h2/listener.h"
#include "server/config.h"
#include "server/config_value.h"

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

static int ask(CURL *call, const char *url, const char *reason, struct config_fault *fault)
{
    const CURLcode code = curl_easy_perform(call);
    long status = 0;

    if (code != CURLE_OK)
        return config_fail(fault, -ECONNREFUSED, "%s: no answer: %s", url,
                           *reason != '\0' ? reason : curl_easy_strerror(code));
    (void)curl_easy_getinfo(call, CURLINFO_RESPONSE_CODE, &status);
    if (status == 200)
        return 0;
    return config_fail(fault, -EAGAIN, "%s answers %ld", url, status);
}

int check_health(const struct config *config, const char *what, struct config_fault *fault)
{
    const struct config_listener *listener = choose(config);
    char host[300], url[400], reason[CURL_ERROR_SIZE] = "";
    CURL *call = curl_easy_init();
    int rc;

    write_host(listener->address, host, sizeof(host));
    snprintf(url, sizeof(url), "%s://%s/health/%s", listener->tls ? "https" : "http", host, what);
    rc = config_fail(fault, -ECONNREFUSED, "%s: libcurl does not start", url);
    if (call) {
        prepare(call, listener, url, reason);
        rc = ask(call, url, reason, fault);
    }
    curl_easy_cleanup(call);
    return rc;
}

#define PIECE ((size_t)1 << 20)

static void fill_ends(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGHUP);
}

static bool has_to_end(void)
{
    sigset_t pending;

    return sigpending(&pending) == 0 &&
           (sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1 ||
            sigismember(&pending, SIGHUP) == 1);
}

static int copy(int from, int to)
{
    ssize_t sent;

    do {
        if (has_to_end())
            return -EINTR;
        sent = sendfile(to, from, NULL, PIECE);
    } while (sent > 0 || (sent < 0 && errno == EINTR));
    return sent < 0 ? -errno : 0;
}

/* The name of a file survives a loss of power with its directory. */
static int sync_directory(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *directory = slash ? mem_strndup(path, (size_t)(slash - path) + 1) : mem_strdup(".");
    const int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const int rc = fd >= 0 && fsync(fd) == 0 ? 0 : -errno;

    free(directory);
    if (fd >= 0)
        close(fd);
    return rc;
}

/* name: a template, of what is renamed to path at the end. */
static int replace(int from, char *name, const char *path)
{
    const int to = mkostemp(name, O_CLOEXEC); /* mode 0600 */
    int rc;

    if (to < 0)
        return -errno;
    rc = copy(from, to);
    if (rc == 0 && fsync(to) != 0)
        rc = -errno;
    if (close(to) != 0 && rc == 0)
        rc = -errno;
    if (rc == 0 && rename(name, path) != 0)
        rc = -errno;
    if (rc != 0)
        (void)unlink(name);
    return rc == 0 ? sync_directory(path) : rc;
}

int backup_file_write(int from, const char *path)
{
    struct buf name = BUF_INIT;
    sigset_t ends, before;
    int rc;

    if (strcmp(path, "-") == 0)
        return copy(from, STDOUT_FILENO);
    buf_printf(&name, "%s.XXXXXX", path);
    fill_ends(&ends);
    (void)signal(SIGXFSZ, SIG_IGN); /* a limit of files is an error like any other */
    (void)pthread_sigmask(SIG_BLOCK, &ends, &before);
    rc = replace(from, name.data, path);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    buf_release(&name);
    return rc;
}
