/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses to listen on: from text to bound sockets. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "h2/listener.h"

#define UNIX_PREFIX "unix:"
#define BACKLOG     4096

struct parsed {
    char host[256]; /* "" : all addresses */
    char port[6];
};

const char *h2_address_unix_path(const char *address)
{
    size_t length = strlen(UNIX_PREFIX);

    return strncmp(address, UNIX_PREFIX, length) == 0 ? address + length : NULL;
}

static int parse(const char *address, struct parsed *parsed)
{
    const char *colon = strrchr(address, ':');
    const char *host = address;
    char *end;

    if (!colon)
        return -EINVAL;
    size_t length = (size_t)(colon - host);
    if (length > 2 && host[0] == '[' && host[length - 1] == ']') {
        host++;
        length -= 2;
    } else if (memchr(host, ':', length)) {
        return -EINVAL; /* an IPv6 address without its brackets */
    }
    if (length >= sizeof(parsed->host) || memchr(host, '[', length))
        return -EINVAL;
    memcpy(parsed->host, host, length);
    parsed->host[length] = '\0';
    if (strcmp(parsed->host, "*") == 0)
        parsed->host[0] = '\0';
    if (colon[1] < '0' || colon[1] > '9') /* strtoul takes blanks and signs */
        return -EINVAL;
    unsigned long port = strtoul(colon + 1, &end, 10);
    if (*end != '\0' || port > 65535)
        return -EINVAL;
    snprintf(parsed->port, sizeof(parsed->port), "%lu", port);
    return 0;
}

static int resolve(const struct parsed *parsed, struct addrinfo **list)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV};

    return getaddrinfo(parsed->host[0] ? parsed->host : NULL, parsed->port, &hints, list);
}

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)address;
        return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
    }
    const struct sockaddr_in6 *v6 = (const void *)address;
    return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

int h2_address_is_local(const char *address, bool *local)
{
    struct parsed parsed;
    struct addrinfo *list;

    if (h2_address_unix_path(address)) {
        *local = true;
        return 0;
    }
    if (parse(address, &parsed) != 0 || resolve(&parsed, &list) != 0)
        return -EINVAL;
    *local = true;
    for (const struct addrinfo *info = list; info; info = info->ai_next)
        *local = *local && is_loopback(info->ai_addr);
    freeaddrinfo(list);
    return 0;
}

static void set_port(struct addrinfo *info, unsigned port)
{
    /* sin_port and sin6_port lie at the same place. */
    ((struct sockaddr_in *)(void *)info->ai_addr)->sin_port = htons((uint16_t)port);
}

static unsigned bound_port(int fd)
{
    struct sockaddr_in6 address = {0};
    socklen_t length = sizeof(address);

    if (getsockname(fd, (struct sockaddr *)&address, &length) != 0)
        return 0;
    return ntohs(address.sin6_port);
}

static int bind_one(const struct addrinfo *info, bool is_shared)
{
    int on = 1;
    int fd = socket(info->ai_family, info->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        (is_shared && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0) ||
        (info->ai_family == AF_INET6 &&
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) != 0) ||
        bind(fd, info->ai_addr, info->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

/* A machine without IPv6 still resolves "localhost" to ::1: that family is left out there. */
static bool is_family_missing(int error)
{
    return error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL;
}

int h2_address_probe(const char *address, char *fault, size_t fault_size)
{
    struct parsed parsed;
    struct addrinfo *list;
    int result = 0;

    if (h2_address_unix_path(address) || parse(address, &parsed) != 0 ||
        strcmp(parsed.port, "0") == 0 || resolve(&parsed, &list) != 0)
        return 0; /* nothing to ask, or h2_bound_open() says what is wrong */
    for (const struct addrinfo *info = list; info && result == 0; info = info->ai_next) {
        int fd = bind_one(info, false);
        if (fd >= 0)
            close(fd);
        else if (!is_family_missing(fd))
            result = fd;
    }
    freeaddrinfo(list);
    if (result != 0)
        snprintf(fault, fault_size, "cannot listen on %s: %s", address, strerror(-result));
    return result;
}

static int open_tcp(struct h2_bound *bound, const char *address, char *fault, size_t size)
{
    struct parsed parsed;
    struct addrinfo *list;
    unsigned port = 0;
    int error = -EADDRNOTAVAIL;

    if (parse(address, &parsed) != 0) {
        snprintf(fault, size,
                 "\"%s\" is no address; use HOST:PORT, [IPv6]:PORT, *:PORT or unix:PATH", address);
        return -EINVAL;
    }
    int result = resolve(&parsed, &list);
    if (result != 0) {
        snprintf(fault, size, "cannot resolve \"%s\": %s", parsed.host, gai_strerror(result));
        return -EADDRNOTAVAIL;
    }
    for (struct addrinfo *info = list; info && bound->count < H2_LISTENER_MAX_FDS;
         info = info->ai_next) {
        if (port)
            set_port(info, port);
        int fd = bind_one(info, true);
        if (fd >= 0) {
            bound->fds[bound->count++] = fd;
            port = port ? port : bound_port(fd);
        } else if (error == -EADDRNOTAVAIL || !is_family_missing(fd)) {
            error = fd;
        }
        if (fd < 0 && !is_family_missing(fd))
            break;
    }
    freeaddrinfo(list);
    if (bound->count == 0 || !is_family_missing(error)) {
        snprintf(fault, size, "cannot listen on %s: %s", address, strerror(-error));
        h2_bound_close(bound);
        return error;
    }
    const char *host = parsed.host[0] ? parsed.host : "*";
    snprintf(bound->text, sizeof(bound->text), strchr(host, ':') ? "[%.100s]:%u" : "%.100s:%u",
             host, port);
    return 0;
}

/* A socket file that nobody listens on is what a crash leaves behind: it may be replaced. */
static void remove_stale(const struct sockaddr_un *address)
{
    struct stat status;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return;
    if (stat(address->sun_path, &status) == 0 && S_ISSOCK(status.st_mode) &&
        connect(fd, (const struct sockaddr *)address, sizeof(*address)) != 0 &&
        errno == ECONNREFUSED)
        (void)unlink(address->sun_path);
    close(fd);
}

static int open_unix(struct h2_bound *bound, const char *path, char *fault, size_t size)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (path[0] == '\0' || strlen(path) >= sizeof(address.sun_path)) {
        snprintf(fault, size, "unix:%s: the path must have 1 to %zu characters", path,
                 sizeof(address.sun_path) - 1);
        return -EINVAL;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    remove_stale(&address);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(fd, BACKLOG) != 0) {
        int error = errno;
        snprintf(fault, size, "cannot listen on unix:%s: %s", path, strerror(error));
        if (fd >= 0)
            close(fd);
        return -error;
    }
    bound->fds[bound->count++] = fd;
    snprintf(bound->text, sizeof(bound->text), "unix:%s", path);
    return 0;
}

int h2_bound_open(struct h2_bound *bound, const char *address, char *fault, size_t fault_size)
{
    const char *path = h2_address_unix_path(address);

    memset(bound, 0, sizeof(*bound));
    if (path)
        return open_unix(bound, path, fault, fault_size);
    return open_tcp(bound, address, fault, fault_size);
}

int h2_bound_share(struct h2_bound *copy, const struct h2_bound *bound)
{
    *copy = *bound;
    copy->count = 0;
    for (size_t i = 0; i < bound->count; i++) {
        int fd = fcntl(bound->fds[i], F_DUPFD_CLOEXEC, 0);
        if (fd < 0) {
            int error = errno;
            h2_bound_close(copy);
            return -error;
        }
        copy->fds[copy->count++] = fd;
    }
    return 0;
}

void h2_bound_close(struct h2_bound *bound)
{
    for (size_t i = 0; i < bound->count; i++)
        close(bound->fds[i]);
    bound->count = 0;
}
