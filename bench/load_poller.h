/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOAD_POLLER_H
#define LOAD_POLLER_H
/*
 * One thread's epoll, and the connections that have something to send. As in the server, callbacks
 * only queue: a turn reads what has come, then flushes each connection once.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

#define LOAD_POLLER_SCRATCH 16384u

struct load_poller {
    int fd;
    struct list dirty;
    unsigned char scratch[LOAD_POLLER_SCRATCH]; /* what a connection has just decrypted */
};

int load_poller_init(struct load_poller *poller); /* 0 or a negative errno */
void load_poller_release(struct load_poller *poller);

/* Waits that long at the most, then serves what is ready. */
void load_poller_turn(struct load_poller *poller, uint64_t wait_nanoseconds);

/* What is queued leaves now rather than at the end of a turn. */
void load_poller_flush(struct load_poller *poller);

#endif
