/* SPDX-License-Identifier: Apache-2.0 */
#include "load_poller.h"

#include <errno.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "load_clock.h"
#include "load_connection.h"

/* Small, so that what a burst of arrivals makes us send does not wait for the whole burst. */
#define BATCH 64

int load_poller_init(struct load_poller *poller)
{
    list_init(&poller->dirty);
    poller->fd = epoll_create1(EPOLL_CLOEXEC);
    return poller->fd < 0 ? -errno : 0;
}

void load_poller_release(struct load_poller *poller)
{
    if (poller->fd >= 0)
        (void)close(poller->fd);
    poller->fd = -1;
}

void load_poller_flush(struct load_poller *poller)
{
    struct list *node;

    while ((node = list_take_first(&poller->dirty)) != NULL)
        load_connection_flush(container_of(node, struct load_connection, dirty));
}

void load_poller_turn(struct load_poller *poller, uint64_t wait_nanoseconds)
{
    struct epoll_event events[BATCH];
    struct timespec wait = {.tv_sec = (time_t)(wait_nanoseconds / LOAD_SECOND),
                            .tv_nsec = (long)(wait_nanoseconds % LOAD_SECOND)};
    int count = epoll_pwait2(poller->fd, events, BATCH, &wait, NULL);

    for (int i = 0; i < count; i++)
        load_connection_on_ready(events[i].data.ptr, events[i].events);
    load_poller_flush(poller);
}
