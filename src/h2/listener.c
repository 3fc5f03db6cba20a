/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/listener.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/networks.h"
#include "h2/state.h"

#define UNIX_PREFIX "unix:"
#define BACKLOG     4096
/* Accepting more in one turn would keep the clients that are there waiting. */
#define ACCEPTS_PER_TURN 16
/* While the server stops there is nobody to keep waiting. */
#define ACCEPTS_PER_LOOK 256
/* How long to leave a listener alone when the process has no descriptor left. */
#define PAUSE_MS 100u

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
        if (port) /* sin_port and sin6_port lie at the same place */
            ((struct sockaddr_in *)(void *)info->ai_addr)->sin_port = htons((uint16_t)port);
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
    const struct addrinfo info = {.ai_family = AF_UNIX,
                                  .ai_socktype = SOCK_STREAM,
                                  .ai_addr = (struct sockaddr *)&address,
                                  .ai_addrlen = sizeof(address)};
    int fd = bind_one(&info, false);
    if (fd < 0) {
        snprintf(fault, size, "cannot listen on unix:%s: %s", path, strerror(-fd));
        return fd;
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

struct h2_listener {
    struct h2_endpoint *endpoint;
    const struct h2_listener_options *options;
    struct loop_timer pause;
    size_t count;
    struct ev_io io[H2_LISTENER_MAX_FDS];
};

static void start_watching(struct h2_listener *listener)
{
    for (size_t i = 0; i < listener->count; i++)
        ev_io_start(loop_ev(listener->endpoint->loop), &listener->io[i]);
}

static void stop_watching(struct h2_listener *listener)
{
    for (size_t i = 0; i < listener->count; i++)
        ev_io_stop(loop_ev(listener->endpoint->loop), &listener->io[i]);
}

static void on_pause_over(struct loop_timer *timer)
{
    start_watching(container_of(timer, struct h2_listener, pause));
}

static void on_accept_error(struct h2_listener *listener, int error)
{
    listener->endpoint->counters.accept_errors++;
    (void)h2_admission_make_room(listener->endpoint);
    h2_eviction_make_room(listener->endpoint, ACCEPTS_PER_TURN);
    log_abuse("cannot accept", LOG_STR("reason", strerror(error)), LOG_INT("pause_ms", PAUSE_MS));
    /* Clients stay in the kernel's queue meanwhile, and we do not spin on them. */
    stop_watching(listener);
    loop_timer_start(listener->endpoint->loop, &listener->pause, PAUSE_MS);
}

static void set(int fd, int level, int option, const char *name, uint32_t value)
{
    if (setsockopt(fd, level, option, &value, sizeof(value)) != 0)
        log_debug(name, LOG_STR("reason", strerror(errno)));
}

static void tune(int fd, const union h2_peer *peer, const struct h2_limits *limits)
{
    if (peer->any.sa_family != AF_INET && peer->any.sa_family != AF_INET6)
        return;
    /* We gather what belongs together ourselves; waiting for more would only delay it. */
    set(fd, IPPROTO_TCP, TCP_NODELAY, "TCP_NODELAY", 1);
    /* What the kernel has cannot be dropped any more, nor replaced by what is newer, and no bound
     * of ours counts it: for a client that does not read it would take megabytes. */
    set(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, "TCP_NOTSENT_LOWAT", limits->unsent_bytes);
    if (limits->send_buffer_bytes > 0) /* it counts twice that, for its own overhead */
        set(fd, SOL_SOCKET, SO_SNDBUF, "SO_SNDBUF", limits->send_buffer_bytes);
}

/* At the most so many. True when nobody waits any more. */
static bool accept_some(struct h2_listener *listener, const struct ev_io *io, int most)
{
    const uint64_t *evicted = &listener->endpoint->counters.sessions_evicted;
    const uint64_t before = *evicted;
    const struct networks *from = listener->options->proxy_from;

    /* Whose place was taken gives its descriptor back at the end of the turn. */
    for (int i = 0; i < most && *evicted == before; i++) {
        union h2_peer peer = {.any.sa_family = AF_UNIX};
        struct sockaddr_storage address = {0};
        socklen_t length = sizeof(address);
        int fd =
            accept4(io->fd, (struct sockaddr *)&address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EAGAIN || errno == EWOULDBLOCK)
                return true;
            if (errno == EINTR || errno == ECONNABORTED || errno == EPROTO || errno == EPERM)
                continue;
            on_accept_error(listener, errno);
            return false;
        }
        if (address.ss_family == AF_INET || address.ss_family == AF_INET6)
            memcpy(&peer, &address, sizeof(peer));
        if (from && !networks_contain(from, &peer.any)) {
            listener->endpoint->counters.proxy_refusals++;
            h2_peer_refused(&peer, LOG_OF_PROXIES, "it is not in listeners[].proxyFrom");
            close(fd);
            continue;
        }
        tune(fd, &peer, &listener->endpoint->limits);
        (void)h2_session_open(listener->endpoint, fd, listener->options, &peer);
    }
    return false;
}

static void on_accept(struct ev_loop *ev, struct ev_io *io, int events)
{
    struct h2_listener *listener = io->data;

    (void)ev;
    if (events & EV_ERROR) /* the kernel had no memory to watch it */
        on_accept_error(listener, ENOMEM);
    else
        (void)accept_some(listener, io, ACCEPTS_PER_TURN);
}

struct h2_listener *h2_listener_new(struct h2_endpoint *endpoint, struct h2_bound *bound,
                                    const struct h2_listener_options *options)
{
    struct h2_listener *listener = mem_zalloc(sizeof(*listener));

    listener->endpoint = endpoint;
    listener->options = options;
    listener->pause.on_fire = on_pause_over;
    listener->count = bound->count;
    for (size_t i = 0; i < bound->count; i++) {
        ev_io_init(&listener->io[i], on_accept, bound->fds[i], EV_READ);
        listener->io[i].data = listener;
    }
    bound->count = 0;
    start_watching(listener);
    return listener;
}

/* Drops each SYN (RFC 9293 3.1), but not the ACK that completes a handshake: shutdown() and a
 * shorter backlog would lose those. A client whose SYN is dropped sends another one a second later,
 * which finds the port closed, or with whoever listens there next. Unix sockets have no SYN: their
 * path is gone by now. */
static void refuse_handshakes(int fd)
{
    enum { FLAGS = 13, SYN = 0x02, ACK = 0x10, ALL = 0x40000 };
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, FLAGS),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, SYN | ACK),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYN, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, ALL),
    };
    const struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};
    int domain = AF_UNIX;
    socklen_t length = sizeof(domain);

    (void)getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length);
    if (domain != AF_UNIX &&
        setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) != 0)
        log_warn("connections may be reset by the stop", LOG_STR("reason", strerror(errno)));
}

void h2_listener_stop(struct h2_listener *listener)
{
    for (size_t i = 0; i < listener->count; i++)
        refuse_handshakes(listener->io[i].fd);
}

bool h2_listener_is_served(struct h2_listener *listener)
{
    bool is_served = true;

    for (size_t i = 0; i < listener->count; i++)
        is_served = accept_some(listener, &listener->io[i], ACCEPTS_PER_LOOK) && is_served;
    return is_served;
}

void h2_listener_free(struct h2_listener *listener)
{
    if (!listener)
        return;
    stop_watching(listener);
    loop_timer_stop(&listener->pause);
    for (size_t i = 0; i < listener->count; i++)
        close(listener->io[i].fd);
    free(listener);
}
