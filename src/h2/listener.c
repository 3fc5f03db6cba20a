/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/listener.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/networks.h"
#include "h2/session_state.h"

/* Accepting more in one turn would keep the clients that are there waiting. */
#define ACCEPTS_PER_TURN 16
/* While the server stops there is nobody to keep waiting. */
#define ACCEPTS_PER_LOOK 256
/* How long to leave a listener alone when the process has no descriptor left. */
#define PAUSE_MS 100u

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

/* Clients stay in the kernel's queue meanwhile, and we do not spin on them. */
static void pause_accepting(struct h2_listener *listener)
{
    stop_watching(listener);
    loop_timer_start(listener->endpoint->loop, &listener->pause, PAUSE_MS);
}

static void on_accept_error(struct h2_listener *listener, int error)
{
    listener->endpoint->counters.accept_errors++;
    (void)h2_admission_make_room(listener->endpoint);
    h2_eviction_make_room(listener->endpoint, ACCEPTS_PER_TURN);
    log_abuse("cannot accept", LOG_STR("reason", strerror(error)), LOG_INT("pause_ms", PAUSE_MS));
    pause_accepting(listener);
}

static bool may_come(const struct h2_listener *listener, const union h2_peer *peer)
{
    const struct networks *from = listener->options->proxy_from;

    return !from || networks_contain(from, &peer->any);
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

static bool is_transient(int error)
{
    return error == EINTR || error == ECONNABORTED || error == EPROTO || error == EPERM;
}

/* At the most so many. True when nobody waits any more. */
static bool accept_some(struct h2_listener *listener, const struct ev_io *io, int most)
{
    const uint64_t *evicted = &listener->endpoint->counters.sessions_evicted;
    const uint64_t before = *evicted;

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
            if (is_transient(errno))
                continue;
            on_accept_error(listener, errno);
            return false;
        }
        if (address.ss_family == AF_INET || address.ss_family == AF_INET6)
            memcpy(&peer, &address, sizeof(peer));
        if (!may_come(listener, &peer)) {
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
