/* SPDX-License-Identifier: Apache-2.0 */
#include "base/poller.h"

#include <errno.h>
#include <ev.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/mem.h"

/* libev watches the set, as one descriptor that is readable while any socket in it is ready. */
struct poller {
    struct ev_loop *ev;
    struct ev_io io;
    int fd;
    int at, count; /* of the batch: the next, and how many there are */
    struct epoll_event batch[POLLER_PER_TURN];
};

static void tell(struct poll_watch *watch, uint32_t ready)
{
    uint32_t events = ready & (EPOLLIN | EPOLLOUT);

    if (ready & (EPOLLERR | EPOLLHUP))
        events = EPOLLIN | EPOLLOUT;
    events &= watch->events;
    if (events != 0)
        watch->on_ready(watch, events);
}

static void on_ready(struct ev_loop *ev, struct ev_io *io, int events)
{
    struct poller *poller = container_of(io, struct poller, io);

    (void)ev;
    (void)events;
    poller->count = epoll_wait(poller->fd, poller->batch, POLLER_PER_TURN, 0);
    poller->at = 0;
    while (poller->at < poller->count) {
        const struct epoll_event *event = &poller->batch[poller->at++];

        if (event->data.ptr)
            tell(event->data.ptr, event->events);
    }
    poller->count = 0;
}

struct poller *poller_new(struct loop *loop)
{
    struct poller *poller = mem_zalloc(sizeof(*poller));

    poller->fd = epoll_create1(EPOLL_CLOEXEC);
    if (poller->fd < 0) {
        free(poller);
        return NULL;
    }
    poller->ev = loop_ev(loop);
    ev_io_init(&poller->io, on_ready, poller->fd, EV_READ);
    ev_io_start(poller->ev, &poller->io);
    return poller;
}

void poller_free(struct poller *poller)
{
    if (!poller)
        return;
    ev_io_stop(poller->ev, &poller->io);
    (void)close(poller->fd);
    free(poller);
}

/* It may be among those that have yet to be told of this turn. */
static void forget(struct poller *poller, const struct poll_watch *watch)
{
    for (int i = poller->at; i < poller->count; i++) {
        if (poller->batch[i].data.ptr == watch)
            poller->batch[i].data.ptr = NULL;
    }
}

int poller_watch(struct poller *poller, struct poll_watch *watch, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = watch};
    const uint32_t before = watch->events;
    int how = EPOLL_CTL_MOD;

    if (events == before)
        return 0;
    if (before == 0)
        how = EPOLL_CTL_ADD;
    else if (events == 0)
        how = EPOLL_CTL_DEL;
    watch->events = events;
    if (events == 0)
        forget(poller, watch);
    if (epoll_ctl(poller->fd, how, watch->fd, &event) == 0)
        return 0;
    watch->events = how == EPOLL_CTL_ADD ? 0 : before;
    return -errno;
}
