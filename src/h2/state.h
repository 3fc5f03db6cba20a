/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_STATE_H
#define H2_STATE_H
/*
 * Inside of h2_endpoint, h2_session and h2_stream (public side: h2/session.h and h2/stream.h), and
 * what the files of this module do to them; for these and for other protocols only.
 */
#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/budget.h"
#include "base/buf.h"
#include "base/list.h"
#include "base/loop.h"
#include "base/poller.h"
#include "base/slice.h"
#include "h2/admission.h"
#include "h2/frame_memory.h"
#include "h2/rates.h"
#include "h2/session.h"
#include "h2/stream.h"
#include "h2/wire.h"

struct h2_endpoint;
struct h2_inbound;
struct h2_request_builder;
struct h2_session;
struct h2_stream;
struct slice;

/* How another version of HTTP speaks on a session. HTTP/2 needs none of this, and is what a session
 * speaks while its protocol is NULL; the other is given to the endpoint by who made it, so that
 * this module does not know it. A session has then no nghttp2 session, and its streams one after
 * the other. What is written is written in output() alone, in the flush. */
struct h2_protocol {
    const char *name; /* "HTTP/1.1" */
    /* The session speaks it from here on; sets session->speaker. */
    void (*open)(struct h2_session *session);
    void (*free)(struct h2_session *session);
    /* Cleartext has come; all of it is taken. */
    void (*input)(struct h2_session *session, const char *data, size_t length);
    /* The client will say no more, and may still listen. */
    void (*input_end)(struct h2_session *session);
    /* Makes what is ready into endpoint->output. 0 or -EPROTO. */
    int (*output)(struct h2_session *session);
    /* Nothing more is to be said, nor heard: once all has left, the session lingers. */
    bool (*is_over)(const struct h2_session *session);
    /* Answers what is not a request, or not yet a whole one, and ends. */
    void (*refuse)(struct h2_session *session, int status, const char *text);
    /* TLS is spoken here, and the client begins without. */
    void (*refuse_cleartext)(struct h2_session *session);
    /* No further request is taken. */
    void (*drain)(struct h2_session *session);
    /* fields: all that the answer has; stream->source or ->body may follow. */
    void (*respond)(struct h2_stream *stream, int status, const struct h2_field *fields,
                    size_t count);
    /* The client waits to hear that its body is wanted (RFC 9110 10.1.1). */
    void (*invite)(struct h2_stream *stream);
    /* There may be room for more of its body. */
    void (*more)(struct h2_stream *stream);
    /* Breaks it off: as nghttp2_submit_rst_stream(). */
    void (*reset)(struct h2_stream *stream, uint32_t error_code);
};

/* What clients have sent and nobody has taken: bodies that are collected, or that wait for a
 * reader or a handler, and the requests themselves. All workers share one budget for it
 * (base/budget.h), limits.inboundBytes. At its end the oldest give way: first bodies of unknown
 * callers, and answers that nobody reads; for a known caller, then, bodies of other known ones.
 * Only what is incomplete goes; what a handler works on stays. */
enum h2_held_in { H2_HELD_NOWHERE, H2_HELD_STRANGERS, H2_HELD_CALLERS, H2_HELD_LISTS };

struct h2_holding {
    struct budget own; /* where there is none for all workers */
    struct budget_share share;
    struct list lists[H2_HELD_LISTS]; /* streams that may have to give way, the oldest first */
};

/* Sessions and streams that a turn frees at the most. */
#define H2_REAPED_PER_TURN 256u
/* KiB that it reads of HTTP/2 at the most, and one more for each read: twice that, when a turn
 * before has left something. */
#define H2_READ_PER_TURN 1024u

/* When events leave while there are many of them. A round serves all sessions that have some, each
 * once. Where it has served many, and has put several events together for each, and yet little of a
 * record, what it cost was the writes: the next round begins after a pause, so that more events
 * share one. The pause is H2_PACE_ROUNDS times as long as the round was, and H2_PACE_MOST_NS at the
 * most. For H2_PACE_KEEPS_NS after it the first event of a round waits H2_PACE_GATHERS_NS for those
 * that follow. At any other time an event that comes when those before it have left goes at once,
 * to however many. Answers do not wait for the end of a pause, but for H2_PACE_ANSWERS times: back
 * ends send what is to fill the records. */
#define H2_PACE_MOST_NS    UINT64_C(10000000)
#define H2_PACE_GATHERS_NS UINT64_C(2000000)
#define H2_PACE_KEEPS_NS   UINT64_C(50000000)
#define H2_PACE_ROUNDS     4u
#define H2_PACE_ANSWERS    4u
#define H2_PACE_SESSIONS   64u    /* fewer are not many */
#define H2_PACE_EVENTS     4u     /* for each session: several */
#define H2_PACE_BYTES      12288u /* of frames to each session: less of a record is little */

struct h2_pace {
    uint64_t began_ns;   /* this round, by clock_real_ns() */
    uint64_t bytes;      /* of frames, that had been made then */
    uint32_t sessions;   /* that it has served */
    uint32_t events;     /* of which they had as many */
    uint64_t resumes_ns; /* when the next may begin, */
    uint32_t answers;    /* and how often answers have left before that */
    uint64_t paced_ns;   /* until when its first event waits for others */
    uint64_t waits_ns;   /* since when somebody waits for it; 0: nobody */
};

struct h2_endpoint {
    struct loop *loop;
    struct poller *poller; /* of all sessions' sockets */
    struct h2_limits limits;
    struct h2_handler handler;
    struct h2_counters counters;
    struct h2_wire_scratch scratch;
    struct buf output; /* frames of one session; empty between the flushes of two */
    struct h2_frame_memory *frame_memory;
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *options;
    struct loop_hook flush_hook, reap_hook;
    struct list sessions;    /* all that are open */
    struct list readable;    /* have input that a turn before has not read */
    struct list handshaking; /* have input for a handshake, which costs: done in slices */
    struct list urgent;      /* an answer waits: flushed first */
    struct list ready;       /* events wait: flushed by the next round, in order of arrival */
    struct list round;       /* and those that this round has yet to flush */
    struct list patient;     /* of both, those with answers that may wait for a round */
    struct h2_pace pace;
    struct list closing;  /* freed in the reap */
    struct slice reading; /* what this turn may still read: KiB, and one for each read */
    bool has_read;        /* it has begun */
    struct h2_admission admission;
    struct h2_eviction eviction;
    const struct h2_protocol *http1; /* NULL: HTTP/2 alone */
    size_t waiting_bytes;   /* of requests that came before the answer to one before them */
    struct h2_slots *slots; /* of the process; NULL: sessions are not counted there */
    struct h2_holding holding;
    struct h2_body_spare spare_body;
    char date[40]; /* the date field (RFC 9110 6.6.1), made once a second */
    int64_t date_second;
    bool is_announced; /* where a session can end between two requests, it is told to */
    bool draining;     /* sessions take their leave, those that open from now on as well */
};

const char *h2_endpoint_date(struct h2_endpoint *endpoint);

/* flush.c: the hook that hands over what is queued. */
bool h2_flush_run(struct loop_hook *hook);

/* flush.c: a round begins, and has ended. bytes: of frames that have been made. */
void h2_pace_begin(struct h2_pace *pace, uint64_t now_ns, uint64_t bytes);
void h2_pace_end(struct h2_pace *pace, uint64_t now_ns, uint64_t bytes);
/* When the next round may begin, for which somebody waits now. */
uint64_t h2_pace_begins_at(struct h2_pace *pace, uint64_t now_ns);

/* flush.c: gathers the frames of one session, of all its streams, into full TLS records: these
 * octets, or so many that the stream offered. 0, or -EPROTO when TLS is broken. */
int h2_output_append(struct h2_session *session, const void *data, size_t length);
int h2_output_take(struct h2_session *session, size_t length, struct h2_stream *stream);

/* callbacks.c */
nghttp2_session_callbacks *h2_callbacks_new(void); /* NULL: no memory */

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

/* How a session leaves while the server stops (h2/deadlines.c); h2_endpoint_drain() begins. */
enum h2_drain_step {
    H2_DRAIN_NONE,
    H2_DRAIN_FIRST, /* has not asked for anything yet: may do so, and is told then */
    H2_DRAIN_TOLD,  /* the first GOAWAY and the PING are under way */
    H2_DRAIN_FINAL  /* the second one: no further stream is served */
};

/* Where a session comes from: by which listener, from whom, and what a proxy told about its client
 * in a PROXY header. */
struct h2_origin {
    const struct h2_listener_options *listener;
    union h2_peer peer;   /* the client, as far as it is known yet */
    bool is_told;         /* by a PROXY header */
    struct buf header;    /* what has come of an incomplete PROXY header */
    struct h2_told *told; /* NULL: the header told no more than addresses, or there is none */
};

struct h2_session {
    struct h2_endpoint *endpoint;
    struct h2_origin origin;
    nghttp2_session *nghttp2; /* NULL until the handshake is done; with a protocol, for ever */
    const struct h2_protocol *protocol; /* NULL: HTTP/2, or it is not known yet */
    void *speaker;                      /* of the protocol */
    struct h2_wire wire;
    struct poll_watch watch;
    struct list node;         /* in endpoint->sessions, or ->closing */
    struct list place_node;   /* in endpoint->admission, and in ->patient when it has streams */
    struct list flush_node;   /* in endpoint->handshaking, ->urgent, ->ready or ->round */
    struct list read_node;    /* in endpoint->readable */
    struct list idle_node;    /* in endpoint->eviction.idle, while it may be evicted */
    struct list address_node; /* in a list of it, too */
    struct list streams;
    struct list sending;     /* streams with something to send */
    struct loop_timer timer; /* the nearest of all its deadlines */
    struct h2_rates rates;
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
    uint16_t late_reads;    /* of what comes after our last word, */
    uint32_t late_bytes;    /* a window of it at the most, and some more */
    uint32_t handler_count; /* what the handler counts */
    uint32_t end_code;      /* of that GOAWAY */
    uint32_t stream_count;
    size_t counted_pending; /* its share of endpoint->counters.output_bytes */
    size_t counted_socket;  /* of endpoint->counters.socket_bytes */
    size_t body_bytes;      /* of bodies that are being collected */
    size_t lent_bytes;      /* that wait for readers, and the window has back: streams' ahead */
    uint64_t number;
    uint64_t handshake_ns;   /* clock_real_ns(), when the handshake began */
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

/* deadlines.c: has sent all it will send: ends the stream towards the client and takes no more from
 * it. Closing at once would turn input that nobody has read into a TCP reset, which overtakes our
 * last frames.
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
void h2_session_check_deadlines(struct loop_timer *timer);
/* It is time to look for the answer to a PING, which does not wake us. */
bool h2_session_is_to_look(const struct h2_session *session);
/* There is something to send: the next PING goes with it, when it is due before long. */
void h2_session_ping_along(struct h2_session *session);

/* deadlines.c: leaves, because the server stops. A session that speaks nothing yet is drained when
 * it does. A second call is a no-op. */
void h2_session_drain(struct h2_session *session);

/* It has opened a stream: always to be told. */
void h2_session_drain_asked(struct h2_session *session);

/* The answer to a PING with these 8 octets has come. */
void h2_session_drain_answered(struct h2_session *session, const uint8_t *octets);

/* session.c, for the reap and the end: closes what streams it has, in the slice, and frees it.
 * False when it is not gone yet. */
bool h2_session_reap(struct h2_session *session, struct slice *slice);

/* origin.c */
void h2_origin_release(struct h2_origin *origin);

/* Reads the PROXY header from the wire's socket, and not an octet of what follows it. 0 when it is
 * complete; -EAGAIN while it is not; -EPROTO when it is none; -EPIPE at the end of the stream, and
 * other errors of the socket. */
int h2_origin_read_header(struct h2_origin *origin, struct h2_wire *wire);

struct h2_stream {
    struct h2_session *session; /* NULL once nghttp2 has closed the stream */
    struct h2_endpoint *endpoint;
    struct list node;         /* in session->streams */
    struct list sending_node; /* in session->sending: has something to send */
    struct h2_request *request;
    struct h2_inbound *inbound; /* the request's body; NULL: none, or over */
    struct h2_body *collected;  /* while on_body runs: what it is given */
    const struct h2_body_source *source;
    void *source_context;
    struct bytes *body; /* or this, from body_sent on */
    size_t body_sent;
    void *context;
    void (*on_close)(struct h2_stream *stream, void *context);
    struct list held_node;  /* in endpoint->holding: may have to give way */
    size_t held;            /* its share of endpoint->holding */
    size_t kept;            /* of this, what is left of its body */
    size_t unconsumed;      /* body octets that the windows still count; */
    size_t ahead;           /* of these, those that only the stream's counts */
    uint64_t stalled_since; /* loop ms; 0: does not wait for the client's window */
    int32_t id;
    unsigned refs;
    bool is_head;
    bool is_answered;
    bool is_unread;   /* its answer has waited for the client since an earlier turn */
    bool is_leaving;  /* it has given way to others */
    bool is_stranger; /* nobody knows yet whose it is */
    uint8_t held_in;  /* enum h2_held_in */
    bool is_deferred; /* nghttp2 waits for h2_stream_resume */
    bool is_complete; /* the whole request has come */
    bool is_sent;     /* the whole answer has been framed */
};

/* A request begins on the session. The session owns one reference. */
struct h2_stream *h2_stream_new(struct h2_session *session, int32_t id);

/* nghttp2 has closed the stream: tells everyone, drops the session's reference. */
void h2_stream_closed(struct h2_stream *stream);

/* The header fields are complete: on to the handler, or an error. */
void h2_stream_start(struct h2_stream *stream, struct h2_request *request, bool has_body);

/* This layer answers with an error (through the handler's on_error); then the rest of the request
 * is of no interest. No-op when an answer is under way. */
void h2_stream_fail(struct h2_stream *stream, int status, const char *message);

/* The same for header fields or trailers that are beyond our limits, which clients may not do
 * often: then the session ends. */
void h2_stream_refuse_fields(struct h2_stream *stream, int status, const char *message);

/* The last frame of the answer has been made. */
void h2_stream_sent(struct h2_stream *stream);

/* What can be framed now, and whether nothing follows it. */
size_t h2_stream_offer(const struct h2_stream *stream, bool *last);
void h2_stream_take(struct h2_stream *stream, char *to, size_t length);
bool h2_stream_has_output(const struct h2_stream *stream);

/* So much of its body is not wanted: the session's window, which belongs to its other streams too,
 * has room for it again. The stream's own stays as it is. */
void h2_stream_return_window(struct h2_stream *stream, size_t length);
/* The same of what waits here: of somebody unknown the stream's window stays shut, but what the
 * session's other streams say may be what this one waits for. */
void h2_stream_lend_window(struct h2_stream *stream, size_t length);

/* inbound.c */
void h2_inbound_open(struct h2_stream *stream); /* a body will come */
int h2_inbound_data(struct h2_stream *stream, const char *data, size_t length);
void h2_inbound_end(struct h2_stream *stream);      /* all has come */
void h2_inbound_answered(struct h2_stream *stream); /* nobody needs the rest */
void h2_inbound_abort(struct h2_stream *stream);    /* no more will come */
void h2_inbound_evict(struct h2_stream *stream);    /* it has to give way to others */
/* Whether more of the body is to be read from a session without windows. */
bool h2_inbound_has_room(const struct h2_stream *stream);
bool h2_inbound_is_wanted(const struct h2_stream *stream); /* and there is more to come */
size_t h2_inbound_held(const struct h2_stream *stream);

/* holding.c */
/* budget NULL: one of its own, of so many bytes. */
void h2_holding_init(struct h2_holding *holding, struct budget *budget, size_t most);

/* Counts what the stream holds now, and more bytes that it is about to. False: there is no room,
 * not even after others have given way; nothing has changed then. */
bool h2_holding_update(struct h2_stream *stream, size_t more);
/* The same for what is held in any case. */
void h2_holding_force(struct h2_stream *stream);
/* All that the client takes has left: answers that are still there are unread. */
void h2_holding_flushed(struct h2_session *session);
/* It holds nothing any more. */
void h2_holding_release(struct h2_stream *stream);

#endif
