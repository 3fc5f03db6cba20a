/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of a request: collected, streamed to a reader, or thrown away. Octets go back to the
 * client's window when they are consumed, not when they arrive, so that a slow reader slows its own
 * upload and nothing else.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "h2/request.h"
#include "h2/state.h"
#include "h2/stream.h"

/* What an unwanted body may still bring before its window stays shut. */
#define DISCARD_ALLOWANCE ((uint64_t)64 * 1024)
/* A client that has its answer may finish or reset by itself; then the stream is broken off. Not at
 * once: a reset that arrives with the answer makes clients throw the answer away, and some look at
 * it only when they have sent all. So the rest of a known caller's body is read, and thrown away,
 * for as long as it comes, within these bounds. */
#define ANSWERED_GRACE_MS 2000u
#define LINGER_MS         30000u
#define LINGER_BYTES      ((uint64_t)64 * 1024 * 1024)

/* What a stream takes by itself while its body comes: here, in nghttp2, and its handler's part. */
#define STREAM_BYTES ((size_t)2048)

enum inbound_mode { INBOUND_DISCARD, INBOUND_COLLECT, INBOUND_STREAM };

struct h2_inbound {
    enum inbound_mode mode;
    uint64_t limit;
    uint64_t received;
    uint64_t discarded;
    uint64_t opened_at, data_at; /* loop ms */
    uint64_t answered_at;        /* loop ms; 0: not yet */
    struct h2_stream *stream;
    bool is_held; /* until it is known whose it is */
    bool is_open; /* its window is as wide as that of a known caller: */
    uint32_t window;
    void (*on_full)(struct h2_stream *stream, void *context);
    void *full_context;
    struct h2_session *session; /* also while the stream closes */
    struct loop_timer timer;
    struct h2_body collected; /* counted in session->body_bytes */
    void (*on_body)(struct h2_stream *stream, const char *body, size_t length, void *context);
    const struct h2_body_reader *reader;
    void *context;
};

/* Of a body that nobody wants. */
static uint64_t most_discarded(const struct h2_stream *stream)
{
    return stream->is_answered && !stream->is_stranger ? LINGER_BYTES : DISCARD_ALLOWANCE;
}

static struct h2_inbound *new_inbound(struct h2_stream *stream)
{
    struct h2_inbound *inbound = mem_zalloc(sizeof(*inbound));

    inbound->stream = stream;
    inbound->session = stream->session;
    stream->inbound = inbound;
    return inbound;
}

static struct h2_body take_collected(struct h2_inbound *inbound)
{
    struct h2_body collected = inbound->collected;

    inbound->session->body_bytes -= collected.length;
    inbound->collected = (struct h2_body){0};
    return collected;
}

static void drop_collected(struct h2_inbound *inbound)
{
    struct h2_body collected = take_collected(inbound);

    h2_body_release(&collected, &inbound->stream->endpoint->spare_body);
}

static void free_inbound(struct h2_stream *stream)
{
    struct h2_inbound *inbound = stream->inbound;

    stream->inbound = NULL;
    loop_timer_stop(&inbound->timer);
    drop_collected(inbound);
    free(inbound);
}

/* The reader hears of the end exactly once; whatever still comes is thrown away. */
static void abandon(struct h2_inbound *inbound)
{
    enum inbound_mode mode = inbound->mode;

    inbound->mode = INBOUND_DISCARD;
    inbound->is_held = false;
    h2_stream_return_window(inbound->stream, inbound->stream->unconsumed);
    drop_collected(inbound);
    h2_holding_force(inbound->stream);
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

    if (!nghttp2)
        return !h2_inbound_has_room(stream);
    return nghttp2_session_get_stream_local_window_size(nghttp2, stream->id) <= 0 ||
           nghttp2_session_get_local_window_size(nghttp2) <= 0;
}

/* A client that has its answer, and goes on sending. */
static bool lingers(const struct h2_inbound *inbound, uint64_t now)
{
    return !inbound->stream->is_stranger && inbound->discarded <= LINGER_BYTES &&
           now - inbound->answered_at < LINGER_MS && now - inbound->data_at < ANSWERED_GRACE_MS;
}

static void on_timer(struct loop_timer *timer)
{
    struct h2_inbound *inbound = container_of(timer, struct h2_inbound, timer);
    struct h2_stream *stream = inbound->stream;
    struct h2_endpoint *endpoint = stream->endpoint;
    uint64_t now = loop_served_ms(endpoint->loop);

    if (stream->is_sent && lingers(inbound, now)) {
        loop_timer_start(endpoint->loop, timer, ANSWERED_GRACE_MS);
        return;
    }
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
    h2_stream_fail(
        stream, 408,
        "The request's body came too slowly (limits.bodyIdleTimeout, limits.bodyFloor).");
    h2_stream_unref(stream);
}

static void widen_window(struct h2_inbound *inbound, uint32_t window)
{
    struct h2_stream *stream = inbound->stream;

    if (inbound->is_open || !stream->session)
        return;
    inbound->is_open = true;
    inbound->window = window;
    if (stream->session->protocol)
        stream->session->protocol->more(stream);
    else if (window > NGHTTP2_INITIAL_WINDOW_SIZE)
        h2_session_rely(stream->session, nghttp2_session_set_local_window_size(
                                             stream->session->nghttp2, NGHTTP2_FLAG_NONE,
                                             stream->id, (int32_t)window));
    h2_session_mark(stream->session, false);
}

void h2_inbound_answered(struct h2_stream *stream)
{
    struct h2_inbound *inbound = stream->inbound;

    if (!inbound || stream->is_complete)
        return;
    abandon(inbound);
    inbound->answered_at = loop_served_ms(stream->endpoint->loop);
    if (!stream->is_stranger)
        widen_window(inbound, stream->endpoint->limits.stream_window);
    loop_timer_start(stream->endpoint->loop, &inbound->timer, ANSWERED_GRACE_MS);
}

void h2_inbound_open(struct h2_stream *stream)
{
    if (!stream->request->has_body)
        return;
    struct h2_inbound *inbound = new_inbound(stream);
    struct loop *loop = stream->endpoint->loop;

    inbound->opened_at = loop_served_ms(loop);
    inbound->data_at = inbound->opened_at;
    inbound->timer.on_fire = on_timer;
    loop_timer_start(loop, &inbound->timer, stream->endpoint->limits.body_idle_ms);
}

static void too_large(struct h2_stream *stream)
{
    char text[96];

    stream->endpoint->counters.body_rejects++;
    snprintf(text, sizeof(text),
             "The request's body is larger than the %" PRIu64 " bytes that this path takes",
             stream->inbound->limit);
    abandon(stream->inbound);
    h2_stream_fail(stream, 413, text);
}

/* Each body may be small enough, but not all of them at once. */
static bool are_too_many(const struct h2_inbound *inbound, size_t length)
{
    size_t limit = inbound->stream->endpoint->limits.session_body_bytes;

    return inbound->mode == INBOUND_COLLECT && inbound->session->body_bytes + length > limit;
}

static void too_many(struct h2_stream *stream)
{
    char text[160];

    snprintf(
        text, sizeof(text),
        "The connection sends bodies of more than %zu bytes (limits.sessionBodyBytes) at once; "
        "send some of them later.",
        stream->endpoint->limits.session_body_bytes);
    stream->endpoint->counters.body_floods++;
    abandon(stream->inbound);
    h2_stream_fail(stream, 429, text);
}

/* RFC 9110 10.1.1: the client waits to hear that we want the body. */
static void invite_body(struct h2_stream *stream)
{
    const char *expect = h2_request_header(stream->request, "expect");
    const nghttp2_nv status = {(uint8_t *)(uintptr_t) ":status", (uint8_t *)(uintptr_t) "100", 7, 3,
                               NGHTTP2_NV_FLAG_NONE};

    if (!expect || strcasecmp(expect, "100-continue") != 0 || !stream->session)
        return;
    h2_session_mark(stream->session, true);
    if (stream->session->protocol) {
        stream->session->protocol->invite(stream);
        return;
    }
    h2_session_rely(stream->session,
                    nghttp2_submit_headers(stream->session->nghttp2, NGHTTP2_FLAG_NONE, stream->id,
                                           NULL, &status, 1, NULL));
}

/* An upload may use the session's window but for what another request of the session needs to get
 * through while the upload's reader is behind. */
static uint32_t upload_window(const struct h2_limits *limits)
{
    uint32_t stream = limits->stream_window;

    return limits->session_window >= 2 * stream ? limits->session_window - stream : stream;
}

/* Most bodies are small: their windows are never touched. */
static void open_window(struct h2_inbound *inbound)
{
    const struct h2_limits *limits = &inbound->stream->endpoint->limits;

    if (!inbound->is_held && inbound->mode != INBOUND_DISCARD)
        widen_window(inbound, inbound->mode == INBOUND_STREAM ? upload_window(limits)
                                                              : limits->stream_window);
}

/* False when the body is refused at once. */
static bool want_body(struct h2_stream *stream, uint64_t limit)
{
    struct h2_inbound *inbound = stream->inbound;

    inbound->limit = limit;
    if (!inbound->is_held)
        stream->is_stranger = false;
    h2_holding_force(stream); /* from here on it may have to give way */
    if (stream->request->content_length > 0 && (uint64_t)stream->request->content_length > limit) {
        too_large(stream);
        return false;
    }
    if (stream->request->content_length > (int64_t)H2_HELD_BYTES)
        open_window(inbound);
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

void h2_stream_stream_body(struct h2_stream *stream, uint64_t limit,
                           const struct h2_body_reader *reader, void *context)
{
    struct h2_inbound *inbound = get_inbound(stream);

    inbound->mode = INBOUND_STREAM;
    inbound->reader = reader;
    inbound->context = context;
    (void)want_body(stream, limit);
}

void h2_stream_hold_body(struct h2_stream *stream,
                         void (*on_full)(struct h2_stream *stream, void *context), void *context)
{
    struct h2_inbound *inbound = get_inbound(stream);

    inbound->is_held = true;
    inbound->on_full = on_full;
    inbound->full_context = context;
    stream->is_stranger = true;
    h2_holding_force(stream);
}

void h2_stream_admit_body(struct h2_stream *stream)
{
    struct h2_inbound *inbound = stream->inbound;

    stream->is_stranger = false;
    if (inbound && inbound->is_held) {
        inbound->is_held = false;
        if (inbound->mode == INBOUND_COLLECT)
            h2_stream_consume(stream, stream->unconsumed);
        if (inbound->received > H2_HELD_BYTES / 2 ||
            stream->request->content_length > (int64_t)H2_HELD_BYTES)
            open_window(inbound);
    }
    h2_holding_force(stream);
}

const char *h2_stream_peek_body(const struct h2_stream *stream, size_t *length)
{
    *length = stream->inbound ? stream->inbound->collected.length : 0;
    return stream->inbound ? h2_body_text(&stream->inbound->collected) : "";
}

bool h2_stream_keep(struct h2_stream *stream, size_t bytes)
{
    size_t before = stream->kept;

    stream->kept = bytes;
    if (h2_holding_update(stream, 0))
        return true;
    stream->kept = before;
    return false;
}

/* HTTP/2's windows say as much by themselves. */
bool h2_inbound_has_room(const struct h2_stream *stream)
{
    const struct h2_inbound *inbound = stream->inbound;

    if (!inbound)
        return true;
    if (inbound->mode == INBOUND_DISCARD)
        return inbound->discarded <= most_discarded(stream);
    return stream->unconsumed < (inbound->is_open ? inbound->window : NGHTTP2_INITIAL_WINDOW_SIZE);
}

bool h2_inbound_is_wanted(const struct h2_stream *stream)
{
    return stream->inbound && stream->inbound->mode != INBOUND_DISCARD && !stream->is_complete;
}

/* What waits for its reader is still counted by the window. */
size_t h2_inbound_held(const struct h2_stream *stream)
{
    const struct h2_inbound *inbound = stream->inbound;

    if (!inbound || inbound->mode == INBOUND_DISCARD)
        return 0;
    return STREAM_BYTES +
           (inbound->mode == INBOUND_STREAM ? stream->unconsumed : inbound->collected.capacity);
}

static void break_off(struct h2_stream *stream, const char *message)
{
    h2_stream_ref(stream);
    if (stream->inbound)
        abandon(stream->inbound);
    h2_stream_fail(stream, 503, message);
    h2_stream_unref(stream);
}

void h2_inbound_evict(struct h2_stream *stream)
{
    break_off(stream,
              "What clients have sent and nobody has taken yet fills limits.inboundBytes; come "
              "again later.");
}

static void refuse(struct h2_stream *stream)
{
    stream->endpoint->counters.inbound_refused++;
    h2_inbound_evict(stream);
}

/* Its other streams do not wait for this one's reader: what waits for that is held back by the
 * stream's window alone, and the session's stays open; within what bodies of one session may take.
 */
static bool may_lend(const struct h2_stream *stream)
{
    return stream->session &&
           stream->session->lent_bytes < stream->endpoint->limits.session_body_bytes;
}

static void discard(struct h2_stream *stream, size_t length)
{
    struct h2_inbound *inbound = stream->inbound;

    inbound->discarded += length;
    if (inbound->discarded <= most_discarded(stream)) {
        h2_stream_consume(stream, length);
        return;
    }
    h2_stream_return_window(stream, length);
}

static void collect(struct h2_stream *stream, const char *data, size_t length)
{
    struct h2_inbound *inbound = stream->inbound;
    struct h2_body_spare *spare = &stream->endpoint->spare_body;
    const int64_t said = stream->request->content_length;
    const size_t most = said > 0 ? (size_t)said : (size_t)inbound->limit;
    size_t capacity = h2_body_capacity(&inbound->collected, spare, length, most);

    if (capacity > inbound->collected.capacity &&
        !h2_holding_update(stream, capacity - inbound->collected.capacity)) {
        refuse(stream);
        discard(stream, length);
        return;
    }
    if (h2_body_append(&inbound->collected, spare, data, length, most) != 0) {
        break_off(stream, "There is no memory for the request's body; come again later.");
        discard(stream, length);
        return;
    }
    inbound->session->body_bytes += length;
    if (inbound->is_held)
        h2_stream_lend_window(stream, length);
    else
        h2_stream_consume(stream, length);
}

/* Where the client has more to send than is taken of somebody unknown. */
static void tell_if_full(struct h2_stream *stream)
{
    struct h2_inbound *inbound = stream->inbound;

    if (!inbound || !inbound->is_held || !inbound->on_full || inbound->received <= H2_HELD_BYTES)
        return;
    void (*on_full)(struct h2_stream *, void *) = inbound->on_full;
    inbound->on_full = NULL;
    on_full(stream, inbound->full_context);
}

static int stream_data(struct h2_stream *stream, const char *data, size_t length)
{
    struct h2_inbound *inbound = stream->inbound;

    if (inbound->reader->on_data(inbound->context, data, length) >= 0) {
        if (stream->inbound && (stream->inbound->is_held || may_lend(stream)))
            h2_stream_lend_window(stream, length);
        if (!h2_holding_update(stream, 0))
            refuse(stream);
        return 0;
    }
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
    inbound->data_at = loop_served_ms(stream->endpoint->loop);
    if (inbound->mode != INBOUND_DISCARD && inbound->received > inbound->limit)
        too_large(stream);
    else if (are_too_many(inbound, length))
        too_many(stream);
    stream->unconsumed += length;
    if (inbound->received > H2_HELD_BYTES / 2)
        open_window(inbound);
    switch (inbound->mode) {
    case INBOUND_COLLECT:
        collect(stream, data, length);
        tell_if_full(stream);
        return 0;
    case INBOUND_STREAM:
        return stream_data(stream, data, length);
    default:
        discard(stream, length);
        return 0;
    }
}

static void give_body(struct h2_stream *stream, struct h2_body *body,
                      void (*on_body)(struct h2_stream *, const char *, size_t, void *),
                      void *context)
{
    stream->collected = body;
    on_body(stream, h2_body_text(body), body->length, context);
    if (body->data && stream->kept > body->length)
        stream->kept = body->length; /* who works on it has a copy */
    h2_body_release(body, &stream->endpoint->spare_body);
    stream->collected = NULL;
}

struct h2_body h2_stream_take_body(struct h2_stream *stream)
{
    struct h2_body body = {0};

    if (stream->collected) {
        body = *stream->collected;
        *stream->collected = (struct h2_body){0};
    }
    return body;
}

void h2_inbound_end(struct h2_stream *stream)
{
    struct h2_inbound *inbound = stream->inbound;

    stream->is_complete = true;
    if (!inbound)
        return;
    enum inbound_mode mode = inbound->mode;
    struct h2_body body = take_collected(inbound);
    void *context = inbound->context;
    const struct h2_body_reader *reader = inbound->reader;
    void (*on_body)(struct h2_stream *, const char *, size_t, void *) = inbound->on_body;

    stream->kept = mode == INBOUND_COLLECT ? body.capacity : stream->kept;
    free_inbound(stream);
    h2_stream_ref(stream);
    h2_holding_force(stream);
    if (mode == INBOUND_COLLECT)
        give_body(stream, &body, on_body, context);
    else if (mode == INBOUND_STREAM)
        reader->on_end(context, true);
    h2_holding_force(stream);
    h2_stream_unref(stream);
}

void h2_inbound_abort(struct h2_stream *stream)
{
    if (!stream->inbound)
        return;
    abandon(stream->inbound);
    free_inbound(stream);
}
