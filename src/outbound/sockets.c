/* SPDX-License-Identifier: Apache-2.0 */
#include "outbound/sockets.h"

#include <errno.h>
#include <stdlib.h>

#include "base/loop.h"
#include "base/mem.h"

#define MS_PER_SECOND 1000.

struct watcher {
    struct list node;
    struct ev_io io;
    struct outbound_sockets *sockets;
};

/* libcurl may have freed the watcher of the socket when this returns. */
static void act(struct outbound_sockets *sockets, curl_socket_t socket, int events)
{
    CURLMsg *message;
    int running, left;

    (void)curl_multi_socket_action(sockets->multi, socket, events, &running);
    while ((message = curl_multi_info_read(sockets->multi, &left)) != NULL) {
        if (message->msg == CURLMSG_DONE)
            sockets->on_ended(sockets, message->easy_handle, message->data.result);
    }
    sockets->on_round(sockets);
}

static void on_io(struct ev_loop *ev, struct ev_io *io, int events)
{
    struct watcher *watcher = container_of(io, struct watcher, io);
    int mask = 0;

    (void)ev;
    if (events & EV_READ)
        mask |= CURL_CSELECT_IN;
    if (events & EV_WRITE)
        mask |= CURL_CSELECT_OUT;
    if (events & EV_ERROR)
        mask |= CURL_CSELECT_ERR;
    act(watcher->sockets, io->fd, mask);
}

static void on_timer(struct ev_loop *ev, struct ev_timer *timer, int events)
{
    (void)ev;
    (void)events;
    act(container_of(timer, struct outbound_sockets, timer), CURL_SOCKET_TIMEOUT, 0);
}

/* libev counts from the time that it woke up at; a turn may be old by now, and a timer that fires
 * early would only be set again. */
static int on_timer_change(CURLM *multi, long timeout_ms, void *context)
{
    struct outbound_sockets *sockets = context;

    (void)multi;
    ev_timer_stop(sockets->ev, &sockets->timer);
    if (timeout_ms < 0)
        return 0;
    if (timeout_ms > 0)
        ev_now_update(sockets->ev);
    ev_timer_set(&sockets->timer, (double)timeout_ms / MS_PER_SECOND, 0.);
    ev_timer_start(sockets->ev, &sockets->timer);
    return 0;
}

static struct watcher *watcher_new(struct outbound_sockets *sockets, curl_socket_t socket)
{
    struct watcher *watcher = mem_zalloc(sizeof(*watcher));

    watcher->sockets = sockets;
    ev_io_init(&watcher->io, on_io, socket, EV_NONE);
    list_append(&sockets->watchers, &watcher->node);
    (void)curl_multi_assign(sockets->multi, socket, watcher);
    return watcher;
}

static void watcher_free(struct watcher *watcher)
{
    ev_io_stop(watcher->sockets->ev, &watcher->io);
    list_remove(&watcher->node);
    free(watcher);
}

static int on_socket_change(CURL *easy, curl_socket_t socket, int what, void *context, void *known)
{
    struct outbound_sockets *sockets = context;
    struct watcher *watcher = known;
    int events = EV_NONE;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (watcher)
            watcher_free(watcher);
        return 0;
    }
    if (!watcher)
        watcher = watcher_new(sockets, socket);
    if (what & CURL_POLL_IN)
        events |= EV_READ;
    if (what & CURL_POLL_OUT)
        events |= EV_WRITE;
    ev_io_stop(sockets->ev, &watcher->io);
    ev_io_set(&watcher->io, socket, events);
    ev_io_start(sockets->ev, &watcher->io);
    return 0;
}

void outbound_sockets_init(struct outbound_sockets *sockets, struct loop *loop)
{
    sockets->multi = NULL;
    sockets->ev = loop_ev(loop);
    ev_timer_init(&sockets->timer, on_timer, 0., 0.);
    list_init(&sockets->watchers);
}

int outbound_sockets_open(struct outbound_sockets *sockets)
{
    sockets->multi = curl_multi_init();
    if (!sockets->multi)
        return -ENOMEM;
    (void)curl_multi_setopt(sockets->multi, CURLMOPT_SOCKETFUNCTION, on_socket_change);
    (void)curl_multi_setopt(sockets->multi, CURLMOPT_SOCKETDATA, sockets);
    (void)curl_multi_setopt(sockets->multi, CURLMOPT_TIMERFUNCTION, on_timer_change);
    (void)curl_multi_setopt(sockets->multi, CURLMOPT_TIMERDATA, sockets);
    (void)curl_multi_setopt(sockets->multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
    return 0;
}

void outbound_sockets_release(struct outbound_sockets *sockets)
{
    if (sockets->multi)
        (void)curl_multi_cleanup(sockets->multi);
    ev_timer_stop(sockets->ev, &sockets->timer);
    /* Whatever libcurl did not take back while it closed its sockets. */
    list_for_each_safe(node, after, &sockets->watchers)
        watcher_free(container_of(node, struct watcher, node));
}
