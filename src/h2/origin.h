/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_ORIGIN_H
#define H2_ORIGIN_H
/*
 * Where a session comes from: by which listener, from whom, and what a proxy told about its client
 * in a PROXY header. What handlers see of it is in h2/session.h. For the files of this room only.
 */
#include <stdbool.h>

#include "base/buf.h"
#include "h2/peer.h"

struct h2_listener_options;
struct h2_told;
struct h2_wire;

struct h2_origin {
    const struct h2_listener_options *listener;
    union h2_peer peer;   /* the client, as far as it is known yet */
    bool is_told;         /* by a PROXY header */
    struct buf header;    /* what has come of an incomplete PROXY header */
    struct h2_told *told; /* NULL: the header told no more than addresses, or there is none */
};

void h2_origin_release(struct h2_origin *origin);

/* Reads the PROXY header from the wire's socket, and not an octet of what follows it. 0 when it is
 * complete; -EAGAIN while it is not; -EPROTO when it is none; -EPIPE at the end of the stream, and
 * other errors of the socket. */
int h2_origin_read_header(struct h2_origin *origin, struct h2_wire *wire);

#endif
