/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of a request: collected, streamed to a reader, or thrown away. Octets go back to the
 * client's window when they are consumed, not when they arrive, so that a slow reader slows its own
 * upload and nothing else.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"
#include "h2/request.h"
#include "h2/session_state.h"
#include "h2/stream_state.h"

/* What an unwanted body may still bring before its window stays shut. */
#define DISCARD_ALLOWANCE ((uint64_t)64 * 1024)
/* A client that has its answer may finish or reset by itself; then the stream is broken off. Not at
 * once: a reset that arrives with the answer makes clients throw the answer away. */
#define ANSWERED_GRACE_MS 2000u

enum inbound_mode { INBOUND_DISCARD, INBOUND_COLLECT, INBOUND_STREAM };

struct h2_inbound {
    enum inbound_mode mode;
    uint64_t limit;
    uint64_t received;
    uint64_t discarded;
    uint64_t opened_at, data_at; /* loop ms */
    struct h2_stream *stream;
    struct h2_session *session; /* also while the stream closes */
    struct loop_timer timer;
    struct buf collected; /* counted in session->body_bytes */
    void (*on_body)(struct h2_stream *stream, const char *body, size_t length, void *context);
    const struct h2_body_reader *reader;
    void *context;
};

static struct h2_inbound *new_inbound(struct h2_stream *stream)
{
    struct h2_inbound *inbound = mem_zalloc(sizeof(*inbound));

    inbound->stream = stream;
    inbound->session = stream->session;
    stream->inbound = inbound;
    return inbound;
}

static struct buf take_collected(struct h2_inbound *inbound)
{
    struct buf collected = inbound->collected;

    inbound->session->body_bytes -= collected.length;
    inbound->collected = (struct buf)BUF_INIT;
    return collected;
}

static void drop_collected(struct h2_inbound *inbound)
{
    struct buf collected = take_collected(inbound);

    buf_release(&collected);
}

static void free_inbound(struct h2_stream *stream)
{
    struct h2_inbound *inbound = stream->inbound;

    stream->inbound = NULL;
    loop_timer_stop(&inbound->timer);
    drop_collected(inbound);
    free(inbound);
}

/* The session's window belongs to its other streams too; the stream's own stays as it is. */
static void return_to_session(struct h2_stream *stream, size_t length)
{
    stream->unconsumed -= length;
    if (!stream->session || length == 0)
        return;
    (void)nghttp2_session_consume_connection(stream->session->nghttp2, length);
    h2_session_mark(stream->session, false);
}

/* The reader hears of the end exactly once; whatever still comes is thrown away. */
static void abandon(struct h2_inbound *inbound)
{
    enum inbound_mode mode = inbound->mode;

    inbound->mode = INBOUND_DISCARD;
    return_to_session(inbound->stream, inbound->stream->unconsumed);
    drop_collected(inbound);
    if (mode == INBOUND_STREAM)
        inbound->reader->on_end(inbound->context, false);
}

static bool is_too_slow(const struct h2_inbound *inbound, const struct h2_limits *limits,
                        uint64_t now)
{
    uint64_t age = now - inbound->opened_at;

    if (now - inbound->data_at >= limits->body_idle_ms)
        return true;
    return age > limits->body_idle_ms &&
           inbound->received < (uint64_t)limits->body_floor * (age / 1000);
}

/* The client cannot send until somebody here consumes: the delay is ours. */
static bool is_held_back(const struct h2_stream *stream)
{
    nghttp2_session *nghttp2 = stream->session->nghttp2;

    return nghttp2_session_get_stream_local_window_size(nghttp2, stream->id) <= 0 ||
           nghttp2_session_get_local_window_size(nghttp2) <= 0;
}

static void on_timer(struct loop_timer *timer)
{
    struct h2_inbound *inbound = container_of(timer, struct h2_inbound, timer);
    struct h2_stream *stream = inbound->stream;
    struct h2_endpoint *endpoint = stream->endpoint;
    uint64_t now = loop_now_ms(endpoint->loop);

    if (stream->is_sent) {
        h2_stream_reset(stream, NGHTTP2_NO_ERROR);
        return;
    }
    if (is_held_back(stream)) {
        inbound->opened_at = now;
        inbound->data_at = now;
    }
    if (!is_too_slow(inbound, &endpoint->limits, now)) {
        uint64_t due = inbound->data_at + endpoint->limits.body_idle_ms;
        loop_timer_start(endpoint->loop, timer, due > now ? due - now : 1);
        return;
    }
    if (inbound->mode == INBOUND_DISCARD && !stream->is_answered) {
        /* Nobody waits for this body: the handler is still at work. */
        loop_timer_start(endpoint->loop, timer, endpoint->limits.body_idle_ms);
        return;
    }
    endpoint->counters.body_timeouts++;
    h2_stream_ref(stream);
    abandon(inbound);
    h2_stream_fail(stream, 408,
                   "The request's body came too slowly; send it within the time limits.");
    h2_stream_unref(stream);
}

void h2_inbound_answered(struct h2_stream *stream)
{
    struct h2_inbound *inbound = stream->inbound;

    if (!inbound || stream->is_complete)
        return;
    abandon(inbound);
    loop_timer_start(stream->endpoint->loop, &inbound->timer, ANSWERED_GRACE_MS);
}

void h2_inbound_open(struct h2_stream *stream)
{
    if (!stream->request->has_body)
        return;
    struct h2_inbound *inbound = new_inbound(stream);
    struct loop *loop = stream->endpoint->loop;

    inbound->opened_at = loop_now_ms(loop);
    inbound->data_at = inbound->opened_at;
    inbound->timer.on_fire = on_timer;
    loop_timer_start(loop, &inbound->timer, stream->endpoint->limits.body_idle_ms);
}

static void too_large(struct h2_stream *stream)
{
    stream->endpoint->counters.body_rejects++;
    abandon(stream->inbound);
    h2_stream_fail(stream, 413, "The request's body is larger than this path takes.");
}

/* Each body may be small enough, but not all of them at once. */
static bool are_too_many(const struct h2_inbound *inbound, size_t length)
{
    size_t limit = inbound->stream->endpoint->limits.session_body_bytes;

    return inbound->mode == INBOUND_COLLECT && inbound->session->body_bytes + length > limit;
}

static void too_many(struct h2_stream *stream)
{
    stream->endpoint->counters.body_floods++;
    abandon(stream->inbound);
    h2_stream_fail(stream, 429,
                   "The connection sends too many bodies at once; send some of them later.");
}

/* RFC 9110 10.1.1: the client waits to hear that we want the body. */
static void invite_body(struct h2_stream *stream)
{
    const char *expect = h2_request_header(stream->request, "expect");
    nghttp2_nv status = {.name = (uint8_t *)(uintptr_t) ":status",
                         .value = (uint8_t *)(uintptr_t) "100",
                         .namelen = 7,
                         .valuelen = 3,
                         .flags = NGHTTP2_NV_FLAG_NONE};

    if (!expect || strcasecmp(expect, "100-continue") != 0)
        return;
    (void)nghttp2_submit_headers(stream->session->nghttp2, NGHTTP2_FLAG_NONE, stream->id, NULL,
                                 &status, 1, NULL);
    h2_session_mark(stream->session, true);
}

/* False when the body is refused at once. */
static bool want_body(struct h2_stream *stream, uint64_t limit)
{
    struct h2_inbound *inbound = stream->inbound;

    inbound->limit = limit;
    if (stream->request->content_length > 0 && (uint64_t)stream->request->content_length > limit) {
        too_large(stream);
        return false;
    }
    invite_body(stream);
    return true;
}

/* A request without a body is "collected" too: h2_inbound_end follows on_request. */
static struct h2_inbound *get_inbound(struct h2_stream *stream)
{
    return stream->inbound ? stream->inbound : new_inbound(stream);
}

void h2_stream_read_body(struct h2_stream *stream, size_t limit,
                         void (*on_body)(struct h2_stream *stream, const char *body, size_t length,
                                         void *context),
                         void *context)
{
    struct h2_inbound *inbound = get_inbound(stream);

    inbound->mode = INBOUND_COLLECT;
    inbound->on_body = on_body;
    inbound->context = context;
    (void)want_body(stream, limit);
}

/* An upload may use the session's window but for what another request of the session needs to get
 * through while the upload's reader is behind. */
static int32_t upload_window(const struct h2_limits *limits)
{
    uint32_t stream = limits->stream_window;

    return (int32_t)(limits->session_window >= 2 * stream ? limits->session_window - stream
                                                          : stream);
}

void h2_stream_stream_body(struct h2_stream *stream, uint64_t limit,
                           const struct h2_body_reader *reader, void *context)
{
    struct h2_inbound *inbound = get_inbound(stream);

    inbound->mode = INBOUND_STREAM;
    inbound->reader = reader;
    inbound->context = context;
    if (want_body(stream, limit) && stream->session && stream->request->has_body)
        (void)nghttp2_session_set_local_window_size(stream->session->nghttp2, NGHTTP2_FLAG_NONE,
                                                    stream->id,
                                                    upload_window(&stream->endpoint->limits));
}

void h2_stream_consume(struct h2_stream *stream, size_t length)
{
    if (length > stream->unconsumed)
        length = stream->unconsumed;
    stream->unconsumed -= length;
    if (!stream->session || length == 0)
        return;
    (void)nghttp2_session_consume(stream->session->nghttp2, stream->id, length);
    h2_session_mark(stream->session, false);
}

static void discard(struct h2_stream *stream, size_t length)
{
    struct h2_inbound *inbound = stream->inbound;

    inbound->discarded += length;
    if (inbound->discarded <= DISCARD_ALLOWANCE) {
        h2_stream_consume(stream, length);
        return;
    }
    return_to_session(stream, length);
}

static int stream_data(struct h2_stream *stream, const char *data, size_t length)
{
    struct h2_inbound *inbound = stream->inbound;

    if (inbound->reader->on_data(inbound->context, data, length) >= 0)
        return 0;
    if (stream->inbound)
        abandon(stream->inbound);
    if (stream->session && !stream->is_answered)
        h2_stream_reset(stream, NGHTTP2_INTERNAL_ERROR);
    return 0;
}

int h2_inbound_data(struct h2_stream *stream, const char *data, size_t length)
{
    struct h2_inbound *inbound = stream->inbound;

    if (!inbound) {
        stream->unconsumed += length;
        h2_stream_consume(stream, length);
        return 0;
    }
    inbound->received += length;
    inbound->data_at = loop_now_ms(stream->endpoint->loop);
    if (inbound->mode != INBOUND_DISCARD && inbound->received > inbound->limit)
        too_large(stream);
    else if (are_too_many(inbound, length))
        too_many(stream);
    stream->unconsumed += length;
    switch (inbound->mode) {
    case INBOUND_COLLECT:
        buf_append(&inbound->collected, data, length);
        inbound->session->body_bytes += length;
        h2_stream_consume(stream, length);
        return 0;
    case INBOUND_STREAM:
        return stream_data(stream, data, length);
    default:
        discard(stream, length);
        return 0;
    }
}

void h2_inbound_end(struct h2_stream *stream)
{
    struct h2_inbound *inbound = stream->inbound;

    stream->is_complete = true;
    if (!inbound)
        return;
    enum inbound_mode mode = inbound->mode;
    struct buf body = take_collected(inbound);
    void *context = inbound->context;
    const struct h2_body_reader *reader = inbound->reader;
    void (*on_body)(struct h2_stream *, const char *, size_t, void *) = inbound->on_body;

    free_inbound(stream);
    h2_stream_ref(stream);
    if (mode == INBOUND_COLLECT)
        on_body(stream, buf_str(&body), body.length, context);
    else if (mode == INBOUND_STREAM)
        reader->on_end(context, true);
    buf_release(&body);
    h2_stream_unref(stream);
}

void h2_inbound_abort(struct h2_stream *stream)
{
    if (!stream->inbound)
        return;
    abandon(stream->inbound);
    free_inbound(stream);
}
