/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_STREAM_STATE_H
#define H2_STREAM_STATE_H
/* Inside of h2_stream, and what the files of this room do to one. For this room only. */
#include <nghttp2/nghttp2.h>

#include "base/list.h"
#include "h2/endpoint.h"
#include "h2/stream.h"

struct h2_inbound;

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

/* The read callback of every answer's DATA. */
ssize_t h2_stream_read(nghttp2_session *nghttp2, int32_t id, uint8_t *to, size_t room,
                       uint32_t *flags, nghttp2_data_source *source, void *context);

/* inbound.c */
void h2_inbound_open(struct h2_stream *stream); /* a body will come */
int h2_inbound_data(struct h2_stream *stream, const char *data, size_t length);
void h2_inbound_end(struct h2_stream *stream);      /* all has come */
void h2_inbound_answered(struct h2_stream *stream); /* nobody needs the rest */
void h2_inbound_abort(struct h2_stream *stream);    /* no more will come */
void h2_inbound_refuse(struct h2_stream *stream);   /* there is no room for it */
void h2_inbound_displace(struct h2_stream *stream); /* it has to give way to others */
/* Whether more of the body is to be read from a session without windows. */
bool h2_inbound_has_room(const struct h2_stream *stream);
bool h2_inbound_is_wanted(const struct h2_stream *stream); /* and there is more to come */
size_t h2_inbound_held(const struct h2_stream *stream);

#endif
