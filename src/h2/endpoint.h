/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_ENDPOINT_H
#define H2_ENDPOINT_H
/*
 * Inside of h2_endpoint (public side: h2/session.h): what all sessions of one worker share, and the
 * lists that the end of a turn works through. For the files of this room only.
 */
#include <nghttp2/nghttp2.h>

#include "base/list.h"
#include "base/loop.h"
#include "base/slice.h"
#include "h2/admission.h"
#include "h2/body.h"
#include "h2/eviction.h"
#include "h2/frame_memory.h"
#include "h2/holding.h"
#include "h2/output.h"
#include "h2/protocol.h"
#include "h2/session.h"
#include "h2/wire.h"

/* Sessions and streams that a turn frees at the most. */
#define H2_REAPED_PER_TURN 256u
/* KiB that it reads of HTTP/2 at the most, and one more for each read: twice that, when a turn
 * before has left something. */
#define H2_READ_PER_TURN 1024u

struct h2_endpoint {
    struct loop *loop;
    struct poller *poller; /* of all sessions' sockets */
    struct h2_limits limits;
    struct h2_handler handler;
    struct h2_counters counters;
    struct h2_wire_scratch scratch;
    struct h2_output output;
    struct h2_frame_memory *frame_memory;
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *options;
    struct loop_hook flush_hook, reap_hook;
    struct list sessions;    /* all that are open */
    struct list readable;    /* have input that a turn before has not read */
    struct list handshaking; /* have input for a handshake, which costs: done in slices */
    struct list urgent;      /* an answer waits: flushed first */
    struct list ready;       /* events wait: flushed in order of arrival */
    struct list closing;     /* freed in the reap */
    struct slice reading;    /* what this turn may still read: KiB, and one for each read */
    bool has_read;           /* it has begun */
    struct h2_admission admission;
    struct h2_eviction eviction;
    const struct h2_protocol *http1; /* NULL: HTTP/2 alone */
    size_t waiting_bytes;   /* of requests that came before the answer to one before them */
    struct h2_slots *slots; /* of the process; NULL: sessions are not counted there */
    struct h2_holding holding;
    struct h2_body_spare spare_body;
    size_t session_count, stream_count;
    size_t pending_bytes; /* what sockets did not take, all sessions */
    size_t socket_bytes;  /* what the kernel holds of sessions whose sockets take no more */
    char date[40];        /* the date field (RFC 9110 6.6.1), made once a second */
    int64_t date_second;
    bool is_announced; /* where a session can end between two requests, it is told to */
    bool draining;     /* sessions take their leave, those that open from now on as well */
};

const char *h2_endpoint_date(struct h2_endpoint *endpoint);

/* flush.c: the hook that hands over what is queued. */
bool h2_flush_run(struct loop_hook *hook);

/* callbacks.c */
nghttp2_session_callbacks *h2_callbacks_new(void); /* NULL: no memory */

#endif
