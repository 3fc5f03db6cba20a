/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_PROTOCOL_H
#define H2_PROTOCOL_H
/*
 * How another version of HTTP speaks on a session. HTTP/2 needs none of this, and is what a session
 * speaks while its protocol is NULL; the other is given to the endpoint by who made it, so that
 * this room does not know it. A session has then no nghttp2 session, and its streams one after the
 * other. What is written is written in output() alone, in the flush.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct h2_field;
struct h2_response;
struct h2_session;
struct h2_stream;

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

#endif
