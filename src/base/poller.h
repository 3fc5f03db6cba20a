/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_POLLER_H
#define BASE_POLLER_H
/*
 * Watches sockets of which thousands may be ready at once. libev calls back for all that are ready
 * in one turn of its loop; here a turn hears of POLLER_PER_TURN at the most, and the next turn,
 * which does not wait, of others: the kernel goes round.
 *
 * Of one loop; its thread calls all of these.
 */
#include <stdint.h>
#include <sys/epoll.h>

#define POLLER_PER_TURN 256

struct loop;
struct poller;

/* Embed it in what has the socket. */
struct poll_watch {
    /* EPOLLIN, EPOLLOUT, of those it waits for; both also stand for an error and the end, which the
     * next read or write tells. May watch, and no longer watch, any socket. */
    void (*on_ready)(struct poll_watch *watch, uint32_t events);
    int fd;
    uint32_t events; /* it waits for these; 0: it is not watched */
};

struct poller *poller_new(struct loop *loop); /* NULL when the kernel refuses one (errno) */
void poller_free(struct poller *poller);      /* when nothing is watched any more; accepts NULL */

/* From now on it waits for these, until it is called with others; 0 before the socket is closed. 0,
 * or a negative errno: the kernel has no memory for it, and it is not watched. */
int poller_watch(struct poller *poller, struct poll_watch *watch, uint32_t events);

#endif
