/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_SESSION_STATE_H
#define H2_SESSION_STATE_H
/* Inside of h2_session, and what the files of this room do to one. For this room only. */
#include <nghttp2/nghttp2.h>

#include "base/list.h"
#include "base/loop.h"
#include "base/poller.h"
#include "h2/drain.h"
#include "h2/endpoint.h"
#include "h2/eviction.h"
#include "h2/guard.h"
#include "h2/origin.h"
#include "h2/session.h"
#include "h2/wire.h"

struct h2_request_builder;
struct slice;

enum h2_session_phase {
    H2_SESSION_PROXY,     /* waits for a PROXY header */
    H2_SESSION_SILENT,    /* waits for the client's first octet of TLS */
    H2_SESSION_QUEUED,    /* the client has begun TLS; waits for a place (h2/admission.h) */
    H2_SESSION_HANDSHAKE, /* TLS; the last phase before HTTP */
    H2_SESSION_PREFACE,   /* waits for the client's preface and SETTINGS, or to hear which HTTP */
    H2_SESSION_OPEN,
    H2_SESSION_ENDING,    /* a GOAWAY is the last thing it will send */
    H2_SESSION_LINGERING, /* has said its last; waits a moment for the client to read it */
    H2_SESSION_CLOSED     /* waits for the reap */
};

struct h2_session {
    struct h2_endpoint *endpoint;
    struct h2_origin origin;
    nghttp2_session *nghttp2; /* NULL until the handshake is done; with a protocol, for ever */
    const struct h2_protocol *protocol; /* NULL: HTTP/2, or it is not known yet */
    void *speaker;                      /* of the protocol */
    struct h2_wire wire;
    struct poll_watch watch;
    struct list node;       /* in endpoint->sessions, or ->closing */
    struct list place_node; /* in endpoint->admission, while it is not yet HTTP/2 */
    struct list flush_node; /* in endpoint->handshaking, ->urgent or ->ready */
    struct list read_node;  /* in endpoint->readable */
    struct list idle_node;  /* in endpoint->eviction.idle, while it may be evicted */
    struct list lane_node;  /* in a lane of it, too */
    struct list streams;
    struct list sending;     /* streams with something to send */
    struct loop_timer timer; /* the nearest of all its deadlines */
    struct h2_guard guard;
    struct h2_slot slot;
    struct h2_request_builder *builder; /* while header fields come in */
    enum h2_session_phase phase;
    bool is_urgent;        /* in endpoint->urgent rather than ->ready */
    bool is_settled;       /* the client acknowledged our SETTINGS */
    bool is_reading;       /* the socket is watched for input */
    bool is_paused;        /* the protocol has no room for more */
    bool is_goaway_queued; /* the GOAWAY of H2_SESSION_ENDING is with nghttp2 */
    bool is_ping_quiet;    /* the answer to its PING does not wake us */
    bool is_evicted;       /* has to be gone soon */
    bool has_asked;        /* it has opened a stream */
    enum h2_drain_step drain : 8;
    uint8_t header_rejects;
    uint8_t preface_octets; /* that have come, while nobody knows which HTTP it is */
    uint16_t late_reads;    /* of what comes after our last word */
    size_t late_bytes;
    uint32_t end_code; /* of that GOAWAY */
    uint32_t stream_count;
    size_t counted_pending; /* its share of endpoint->pending_bytes */
    size_t counted_socket;  /* of endpoint->socket_bytes */
    size_t body_bytes;      /* of bodies that are being collected */
    size_t lent_bytes;      /* that wait for readers, and the window has back: streams' ahead */
    uint32_t tally;         /* the handler's own count */
    uint64_t number;
    uint64_t phase_since;    /* loop_served_ms(), as all below */
    uint64_t settings_since; /* our SETTINGS were sent */
    uint64_t read_at;        /* the latest input */
    uint64_t busy_at;        /* the latest end of a stream */
    uint64_t idle_since;     /* it has had no stream, while it may be evicted */
    uint64_t headers_since;  /* 0: no header block is incomplete */
    uint64_t blocked_since;  /* 0: the socket takes what we have */
    uint64_t ping_since;     /* 0: no PING is unanswered */
    uint64_t stalled_since;  /* 0: no stream waits for its window */
    uint64_t paced_until;    /* 0: no output waits because of limits->tiny_windows */
    uint64_t ping_after;     /* silence before a PING, with its jitter */
    uint64_t drain_since;    /* the latest step of it */
    uint64_t armed_for;      /* when the timer fires, while it is active */
};

/* Takes over fd and serves it. NULL when refused (counted; fd is closed). */
struct h2_session *h2_session_open(struct h2_endpoint *endpoint, int fd,
                                   const struct h2_listener_options *listener,
                                   const union h2_peer *peer);

/* Marks: nothing is read or sent any more, the reap frees it. Any time, any callback. */
void h2_session_close(struct h2_session *session);

/* Ends with GOAWAY (RFC 9113 6.8): what is queued leaves, then it closes. */
void h2_session_terminate(struct h2_session *session, uint32_t error_code);
/* The result of a call of nghttp2 that fails only without memory: what the client waits for would
 * never come, and so the session ends. */
void h2_session_rely(struct h2_session *session, int result);

/* callbacks.c: a header block of that stream goes beyond all bounds. What is left of it is not
 * decoded, and without that no later block can be: an answer where one is due, then the end. */
void h2_session_stop_decoding(struct h2_session *session, int32_t id);

/* Has sent all it will send: ends the stream towards the client and takes no more from it. Closing
 * at once would turn input that nobody has read into a TCP reset, which overtakes our last frames.
 */
void h2_session_linger(struct h2_session *session);

/* Takes the TLS handshake as far as the input goes. It costs, so the flush does it, in slices. */
void h2_session_handshake(struct h2_session *session);

/* Reads what there is: the socket is readable, or it is time to look for an answer. True when the
 * session is to be flushed for it. */
bool h2_session_receive(struct h2_session *session);

/* flush.c: the same now, or soon when this turn has read enough or others wait. */
void h2_session_read(struct h2_session *session);

/* Whatever comes wakes us again, the answer to a PING too. */
void h2_session_hear_all(struct h2_session *session);

/* There is something to flush; an urgent session goes before those that only have events. */
void h2_session_mark(struct h2_session *session, bool urgent);

/* flush.c: whether its output is at the soft bound, so that no more frames are to be made. */
bool h2_session_is_full(const struct h2_session *session);

/* flush.c: whether a frame may be made of only so many octets, because the client's window has no
 * room for more. If not, the session is flushed again soon. */
bool h2_session_may_cut(struct h2_session *session, size_t room);

/* flush.c: what TLS said by itself (an alert, a key update) leaves the shared buffer at once.
 * False when the socket is broken. */
bool h2_session_send_out(struct h2_session *session);

/* flush.c: hands all that is ready to the socket. */
void h2_session_flush(struct h2_session *session);
/* Watches the socket for what is waited for now. It may be closed then. */
void h2_session_update_io(struct h2_session *session);

/* deadlines.c: starts the timer for the nearest deadline, unless it fires before that anyway. */
void h2_session_arm(struct h2_session *session);
void h2_session_check_deadlines(struct h2_session *session);
/* It is time to look for the answer to a PING, which does not wake us. */
bool h2_session_is_to_look(const struct h2_session *session);
/* There is something to send: the next PING goes with it, when it is due before long. */
void h2_session_ping_along(struct h2_session *session);

/* session.c, for the reap and the end: closes what streams it has, in the slice, and frees it.
 * False when it is not gone yet. */
bool h2_session_reap(struct h2_session *session, struct slice *slice);

#endif
