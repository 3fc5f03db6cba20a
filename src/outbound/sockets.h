/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OUTBOUND_SOCKETS_H
#define OUTBOUND_SOCKETS_H
/*
 * libcurl's multi handle on the loop: it names the sockets and the time that it waits for, libev
 * waits, and transfers that have ended are told of outside of libcurl's callbacks.
 */
#include <curl/curl.h>
#include <ev.h>

#include "base/list.h"

struct loop;

struct outbound_sockets {
    CURLM *multi; /* NULL until they are opened */
    struct ev_loop *ev;
    struct ev_timer timer;
    struct list watchers;
    /* May add and remove transfers. The ended one is still to be removed. */
    void (*on_ended)(struct outbound_sockets *sockets, CURL *easy, CURLcode code);
    /* After each round of on_ended. */
    void (*on_round)(struct outbound_sockets *sockets);
};

/* The two functions are set by the caller. */
void outbound_sockets_init(struct outbound_sockets *sockets, struct loop *loop);
/* Once, when libcurl is loaded. 0 or -ENOMEM. */
int outbound_sockets_open(struct outbound_sockets *sockets);
void outbound_sockets_release(struct outbound_sockets *sockets); /* all transfers are removed */

#endif
