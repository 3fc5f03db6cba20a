/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_STREAM_H
#define H2_STREAM_H
/*
 * One request and its answer. A stream always belongs to one session and lives until nghttp2 has
 * closed it and nobody holds a reference. Handlers only queue here: bytes leave at the end of the
 * loop's turn. A handler that answers later takes a reference first; every call on a stream whose
 * client has left is a no-op.
 *
 * Life of a request: the handler's on_request runs when the header fields are complete. It answers
 * (h2_stream_respond) then or later, and if there is a body it first asks for it
 * (h2_stream_read_body); a body that nobody asks for is thrown away as it comes, within bounds.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct bytes;
struct h2_request;
struct h2_session;
struct h2_stream;

/* What has come of one request's body, in one piece. More than H2_BODY_HEAP octets lie in pages of
 * their own: among bodies of all sizes that come and go, the heap would keep half as much again in
 * holes, which no budget counts. Pages go back at once. */
#define H2_BODY_HEAP  ((size_t)16 * 1024)
#define H2_BODY_SPARE ((size_t)128 * 1024)

/* Pages that a body has left, at most H2_BODY_SPARE octets, for the next one of the thread: asking
 * the kernel for them each time costs more than what comes in them. Zero-filled is none. */
struct h2_body_spare {
    char *data;
    size_t capacity;
};

void h2_body_spare_release(struct h2_body_spare *spare);

/* Zero-filled is empty. */
struct h2_body {
    char *data; /* NULL while capacity is 0; else a NUL follows data[length - 1] */
    size_t length;
    size_t capacity;
};

/* The memory that the body takes with so many octets more, if it never has more than most in all;
 * at least length + more + 1. */
size_t h2_body_capacity(const struct h2_body *body, const struct h2_body_spare *spare, size_t more,
                        size_t most);
/* 0, or -ENOMEM: the body is as it was then. */
int h2_body_append(struct h2_body *body, struct h2_body_spare *spare, const char *data,
                   size_t length, size_t most);
/* Gives the memory back; the body is empty then. */
void h2_body_release(struct h2_body *body, struct h2_body_spare *spare);
/* The same, to the system. */
void h2_body_free(struct h2_body *body);
/* NUL-terminated, "" when empty; borrowed until the body changes. */
const char *h2_body_text(const struct h2_body *body);

struct h2_field {
    const char *name; /* lower case, a literal: it is not copied */
    const char *value;
};

/* Where a streamed answer comes from; pulled when the client's window and the socket have room. */
struct h2_body_source {
    /* How many bytes can be taken now; *last is set when nothing follows behind them. */
    size_t (*ready)(void *source, bool *last);
    /* Copies the next length (<= what ready returned) bytes and moves on. */
    void (*take)(void *source, char *to, size_t length);
    /* The stream is done with the source (finished or broken). Called exactly once. */
    void (*closed)(void *source);
    /* Of how many events what is ready is, about; NULL: it is of none. */
    uint32_t (*pieces)(const void *source);
};

struct h2_response {
    int status;
    const char *content_type;      /* NULL: none */
    const struct h2_field *fields; /* further ones; copied */
    size_t field_count;
    struct bytes *body; /* the whole answer; the stream takes over the reference. NULL: none */
    const struct h2_body_source *source; /* or a streamed one; then body is NULL */
    void *source_context;
    /* Leaves behind the events that are already waiting, instead of before them: for answers to
     * those who made the events, so that a sender feels the load that it makes. */
    bool is_patient;
};

/* Where a request's body goes. */
struct h2_body_reader {
    /* A piece of the body. The bytes count as consumed (the client may send as many more) only when
     * h2_stream_consume() says so. 0, or a negative errno: nothing more of this body is wanted. The
     * reader has answered then (else the stream is reset); on_end(false) follows. */
    int (*on_data)(void *reader, const char *data, size_t length);
    /* Exactly once. complete: all has come. Else it ends here: the client left, was too slow, or
     * sent too much; then this layer answers, where there is still someone to answer. */
    void (*on_end)(void *reader, bool complete);
};

const struct h2_request *
h2_stream_request(const struct h2_stream *stream);                    /* NULL once forgotten */
struct h2_session *h2_stream_session(const struct h2_stream *stream); /* NULL once closed */
/* Which no other of its session has, while it is open. */
uint32_t h2_stream_number(const struct h2_stream *stream);
bool h2_stream_is_open(const struct h2_stream *stream);     /* the client is still there */
bool h2_stream_is_answered(const struct h2_stream *stream); /* h2_stream_respond() was called */

struct h2_stream *h2_stream_ref(struct h2_stream *stream);
struct h2_stream *h2_stream_unref(struct h2_stream *stream); /* always NULL */

/* Collects the whole body, then calls on_body once, with its bytes (borrowed, NUL-terminated).
 * More than limit bytes answers 413 through the session's on_error and on_body never runs; nor does
 * it run when the client leaves. Call from on_request only. */
void h2_stream_read_body(struct h2_stream *stream, size_t limit,
                         void (*on_body)(struct h2_stream *stream, const char *body, size_t length,
                                         void *context),
                         void *context);

/* Within on_body: the body is the caller's from there on, who gives it to h2_body_free(), from any
 * thread. It counts as held until the stream's last reference goes, or h2_stream_keep() says
 * otherwise. */
struct h2_body h2_stream_take_body(struct h2_stream *stream);

/* For both of these, before them: nobody knows yet whose request this is. What has
 * come of its body is lent by h2_stream_peek_body(); on_full (or NULL) is called once when that is
 * more than H2_HELD_BYTES, so that it has to be said by what came whose it is. Until
 * h2_stream_admit_body() no more comes than the stream's first window lets (RFC 9113 6.9.2). */
#define H2_HELD_BYTES ((size_t)16 * 1024)
void h2_stream_hold_body(struct h2_stream *stream,
                         void (*on_full)(struct h2_stream *stream, void *context), void *context);
void h2_stream_admit_body(struct h2_stream *stream);
const char *h2_stream_peek_body(const struct h2_stream *stream, size_t *length);

/* So many bytes of the body are kept by the handler until it has answered. False when there is no
 * room for them (limits.inboundBytes). What was collected is counted so by itself. */
bool h2_stream_keep(struct h2_stream *stream, size_t bytes);

/* Streams the body to the reader, limit bytes at the most (then 413 as above). */
void h2_stream_stream_body(struct h2_stream *stream, uint64_t limit,
                           const struct h2_body_reader *reader, void *context);
void h2_stream_consume(struct h2_stream *stream, size_t length);

/* Answers. Ignored when the stream has its answer, or its client has left. */
void h2_stream_respond(struct h2_stream *stream, const struct h2_response *response);

/* The source of a streamed answer has something, or its end. Cheap; call as often as you like. */
void h2_stream_resume(struct h2_stream *stream);

/* Frees the request's memory: its pointers are invalid from here on. */
void h2_stream_forget_request(struct h2_stream *stream);

/* Event streams go before bulk answers of the same session. */
void h2_stream_prefer(struct h2_stream *stream);

/* Breaks the stream off with this RFC 9113 error code. */
void h2_stream_reset(struct h2_stream *stream, uint32_t error_code);

/* One pointer for the handler, and a call when the stream closes (exactly once; may be NULL). */
void h2_stream_set_context(struct h2_stream *stream, void *context,
                           void (*on_close)(struct h2_stream *stream, void *context));
void *h2_stream_context(const struct h2_stream *stream);

#endif
