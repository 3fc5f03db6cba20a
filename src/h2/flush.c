/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a turn: the only place that makes frames and writes to sockets. Answers first, then
 * events in order of arrival, about a millisecond at a time, so that requests are read in between
 * and new events join the queues of the sessions that still wait: under load one record carries
 * many events. Only where rounds follow each other with little for many is one put off (h2_pace).
 */
#include <assert.h>
#include <errno.h>

#include "base/clock.h"
#include "base/slice.h"
#include "h2/state.h"

/* Three full records and the frame that did not fit any more. */
#define GATHER             (3 * H2_WIRE_RECORD)
#define SESSIONS_PER_CHECK 4u
#define READS_PER_CHECK    4u

void h2_pace_begin(struct h2_pace *pace, uint64_t now_ns, uint64_t bytes)
{
    pace->began_ns = now_ns;
    pace->bytes = bytes;
    pace->sessions = 0;
    pace->events = 0;
    pace->waits_ns = 0;
}

void h2_pace_end(struct h2_pace *pace, uint64_t now_ns, uint64_t bytes)
{
    const uint64_t pause_ns = (now_ns - pace->began_ns) * H2_PACE_ROUNDS;

    pace->resumes_ns = now_ns;
    pace->answers = 0;
    if (pace->sessions < H2_PACE_SESSIONS || pace->events < pace->sessions * H2_PACE_EVENTS ||
        bytes - pace->bytes >= (uint64_t)pace->sessions * H2_PACE_BYTES)
        return;
    pace->resumes_ns += pause_ns < H2_PACE_MOST_NS ? pause_ns : H2_PACE_MOST_NS;
    pace->paced_ns = pace->resumes_ns + H2_PACE_KEEPS_NS;
}

uint64_t h2_pace_begins_at(struct h2_pace *pace, uint64_t now_ns)
{
    if (now_ns >= pace->paced_ns)
        return now_ns;
    if (pace->waits_ns == 0)
        pace->waits_ns = now_ns;
    return pace->resumes_ns > pace->waits_ns + H2_PACE_GATHERS_NS
               ? pace->resumes_ns
               : pace->waits_ns + H2_PACE_GATHERS_NS;
}

static int finish_output(struct h2_session *session)
{
    struct h2_endpoint *endpoint = session->endpoint;
    struct buf *frames = &endpoint->output;
    int result = 0;

    if (frames->length > 0)
        result = h2_wire_write(&session->wire, frames->data, frames->length);
    endpoint->counters.bytes_out += frames->length;
    buf_clear(frames);
    return result;
}

int h2_output_append(struct h2_session *session, const void *data, size_t length)
{
    struct buf *frames = &session->endpoint->output;

    buf_append(frames, data, length);
    return frames->length < GATHER ? 0 : finish_output(session);
}

int h2_output_take(struct h2_session *session, size_t length, struct h2_stream *stream)
{
    struct buf *frames = &session->endpoint->output;

    buf_reserve(frames, length);
    if (length > 0)
        h2_stream_take(stream, frames->data + frames->length, length);
    frames->length += length;
    return frames->length < GATHER ? 0 : finish_output(session);
}

bool h2_session_is_full(const struct h2_session *session)
{
    const struct h2_endpoint *endpoint = session->endpoint;

    return h2_wire_pending(&session->wire) + endpoint->scratch.out.length +
               endpoint->output.length >
           endpoint->limits.output_soft_bytes;
}

/* It asks again with the next tick: what the client's windows make us do has its pace. */
bool h2_session_may_cut(struct h2_session *session, size_t room)
{
    struct h2_endpoint *endpoint = session->endpoint;

    if (h2_rates_may_cut(&session->rates, room, loop_now_ms(endpoint->loop)))
        return true;
    session->paced_until = loop_served_ms(endpoint->loop) + LOOP_TIMER_TICK_MS;
    return false;
}

/* Streams whose source had nothing when nghttp2 asked, and has something now. */
static void resume_streams(struct h2_session *session)
{
    list_for_each(node, &session->sending) {
        struct h2_stream *stream = container_of(node, struct h2_stream, sending_node);
        if (!stream->is_deferred)
            continue;
        stream->is_deferred = false;
        if (session->nghttp2)
            h2_session_rely(session, nghttp2_session_resume_data(session->nghttp2, stream->id));
    }
}

/* Whoever still has output and is not deferred waits for the client's window. True when a stream
 * was held back by us. */
static bool review_streams(struct h2_session *session)
{
    uint64_t now = loop_served_ms(session->endpoint->loop);
    bool held_back = false;

    session->stalled_since = 0;
    list_for_each_safe(node, after, &session->sending) {
        struct h2_stream *stream = container_of(node, struct h2_stream, sending_node);
        if (!h2_stream_has_output(stream)) {
            stream->stalled_since = 0;
            list_remove(node);
        } else if (stream->is_deferred) {
            stream->stalled_since = 0;
            held_back = true;
        } else {
            if (!stream->stalled_since)
                stream->stalled_since = now;
            if (!session->stalled_since || stream->stalled_since < session->stalled_since)
                session->stalled_since = stream->stalled_since;
        }
    }
    return held_back;
}

static int make_queued_frames(struct h2_session *session)
{
    for (;;) {
        const uint8_t *data;
        ssize_t length = nghttp2_session_mem_send(session->nghttp2, &data);
        if (length < 0)
            return -EPROTO;
        if (length == 0)
            return 0;
        int result = h2_output_append(session, data, (size_t)length);
        if (result != 0)
            return result;
    }
}

/* At the end answers leave before the GOAWAY: nghttp2 drops what is still queued behind it. */
static int make_frames(struct h2_session *session)
{
    if (!list_is_empty(&session->sending))
        h2_session_ping_along(session);
    resume_streams(session);
    if (!session->nghttp2 && !session->protocol)
        return 0;
    int result =
        session->nghttp2 ? make_queued_frames(session) : session->protocol->output(session);
    if (result == 0 && session->nghttp2 && session->phase == H2_SESSION_ENDING &&
        !session->is_goaway_queued) {
        session->is_goaway_queued = true;
        if (nghttp2_session_terminate_session(session->nghttp2, session->end_code) != 0)
            return -EPROTO;
        result = make_queued_frames(session);
    }
    return result == 0 ? finish_output(session) : result;
}

bool h2_session_send_out(struct h2_session *session)
{
    struct h2_endpoint *endpoint = session->endpoint;
    uint64_t now = loop_served_ms(endpoint->loop);
    size_t sent;

    if (h2_wire_pending(&session->wire) == 0 && endpoint->scratch.out.length == 0)
        return true;
    endpoint->counters.writes++;
    int result = h2_wire_send(&session->wire, &sent);
    endpoint->counters.output_bytes -= session->counted_pending;
    session->counted_pending = h2_wire_pending(&session->wire);
    endpoint->counters.output_bytes += session->counted_pending;
    endpoint->counters.socket_bytes -= session->counted_socket;
    session->counted_socket = result == 0 ? h2_wire_socket_bytes(&session->wire) : 0;
    endpoint->counters.socket_bytes += session->counted_socket;
    if (result < 0)
        return false;
    if (result == 1)
        session->blocked_since = 0;
    else if (sent > 0 || !session->blocked_since)
        session->blocked_since = now;
    return true;
}

/* Neither side has anything to say. */
static bool is_over(const struct h2_session *session)
{
    if (session->protocol)
        return session->protocol->is_over(session);
    if (!session->nghttp2)
        return session->phase == H2_SESSION_ENDING;
    return !nghttp2_session_want_read(session->nghttp2) &&
           !nghttp2_session_want_write(session->nghttp2);
}

void h2_session_flush(struct h2_session *session)
{
    struct h2_endpoint *endpoint = session->endpoint;

    list_remove(&session->place_node);
    if (h2_session_is_to_look(session)) { /* in a slice, as all output: thousands may be due */
        (void)h2_session_receive(session);
        list_remove(&session->flush_node); /* it is flushed now */
        session->is_urgent = false;
        if (session->phase == H2_SESSION_CLOSED)
            return;
    }
    bool had_pending = h2_wire_pending(&session->wire) > 0;

    if (had_pending && !h2_session_send_out(session)) {
        h2_session_close(session);
        return;
    }
    bool is_broken = false;
    bool held_back = false;
    if (!had_pending || !session->blocked_since) {
        is_broken = make_frames(session) != 0;
        buf_clear(&endpoint->output);
        if (!h2_session_send_out(session))
            is_broken = true;
        held_back = review_streams(session);
    }
    if (session->phase == H2_SESSION_CLOSED)
        return; /* a callback has closed it: its socket is not watched again */
    if (is_broken) {
        h2_session_close(session);
        return;
    }
    if (!session->blocked_since && is_over(session)) {
        h2_session_linger(session);
        return;
    }
    if (held_back && !session->blocked_since && !session->paced_until)
        h2_session_mark(session, false);
    h2_holding_flushed(session);
    h2_session_arm(session);
    h2_session_update_io(session);
}

/* False when the slice is over before the list is. */
static bool work_through(struct list *list, void (*serve)(struct h2_session *session),
                         uint32_t per_check)
{
    struct slice slice = slice_new(SLICE_NS, UINT32_MAX, per_check);
    struct list *node;

    while ((node = list_take_first(list))) {
        struct h2_session *session = container_of(node, struct h2_session, flush_node);
        assert(session->endpoint->scratch.out.length == 0); /* nobody gets another's bytes */
        serve(session);
        if (!slice_spend(&slice))
            return list_is_empty(list);
    }
    return true;
}

static void begin_reading(struct h2_endpoint *endpoint)
{
    if (!endpoint->has_read)
        endpoint->reading = slice_new(SLICE_NS, H2_READ_PER_TURN, READS_PER_CHECK);
    endpoint->has_read = true;
}

static void read_now(struct h2_session *session)
{
    (void)slice_spend(&session->endpoint->reading);
    if (h2_session_receive(session))
        h2_session_mark(session, session->is_urgent);
}

void h2_session_read(struct h2_session *session)
{
    struct h2_endpoint *endpoint = session->endpoint;

    if (list_is_linked(&session->read_node))
        return;
    begin_reading(endpoint);
    if (list_is_empty(&endpoint->readable) && !slice_is_over(&endpoint->reading)) {
        read_now(session);
        return;
    }
    list_append(&endpoint->readable, &session->read_node);
    loop_wake(endpoint->loop, LOOP_FLUSH);
}

/* Of those whom turns before have left, who has waited longest is first. Of who is not to be read
 * any more the kernel tells again when it is. */
static void read_waiting(struct h2_endpoint *endpoint)
{
    struct list *node;

    if (list_is_empty(&endpoint->readable))
        return;
    endpoint->has_read = false;
    begin_reading(endpoint);
    while (!slice_is_over(&endpoint->reading) && (node = list_take_first(&endpoint->readable))) {
        struct h2_session *session = container_of(node, struct h2_session, read_node);

        if (session->watch.events & EPOLLIN)
            read_now(session);
    }
}

static void flush_urgent(struct h2_session *session)
{
    session->is_urgent = false;
    h2_session_flush(session);
}

/* What waits now is served once: a session that marks itself again waits for the next turn. */
static bool work_through_snapshot(struct list *list, void (*serve)(struct h2_session *session),
                                  uint32_t per_check)
{
    struct list batch;

    if (list_is_empty(list))
        return true;
    list_take_all(&batch, list);
    bool is_done = work_through(&batch, serve, per_check);
    list_prepend_all(list, &batch);
    return is_done && list_is_empty(list);
}

/* In a pause: a few times, each in a slice. What is left has its turn in the next round. */
static void flush_patient(struct h2_endpoint *endpoint)
{
    struct slice slice;
    struct list *node;

    if (list_is_empty(&endpoint->patient) || endpoint->pace.answers == H2_PACE_ANSWERS)
        return;
    endpoint->pace.answers++;
    slice = slice_new(SLICE_NS, UINT32_MAX, SESSIONS_PER_CHECK);
    while (!slice_is_over(&slice) && (node = list_take_first(&endpoint->patient))) {
        struct h2_session *session = container_of(node, struct h2_session, place_node);

        list_remove(&session->flush_node);
        h2_session_flush(session);
        (void)slice_spend(&slice);
    }
}

static void flush_in_round(struct h2_session *session)
{
    session->endpoint->pace.sessions++;
    h2_session_flush(session);
}

/* Whether the next round is to begin. Who has to leave has no time for pauses. */
static bool may_begin(struct h2_endpoint *endpoint, uint64_t now_ns)
{
    uint64_t begins_ns;

    if (list_is_empty(&endpoint->ready))
        return false;
    begins_ns = h2_pace_begins_at(&endpoint->pace, now_ns);
    if (endpoint->draining || begins_ns <= now_ns)
        return true;
    loop_wake_at(endpoint->loop, begins_ns);
    return false;
}

/* A session that marks itself again waits for the next round. False when there is more to do. */
static bool flush_round(struct h2_endpoint *endpoint)
{
    uint64_t now_ns;

    if (list_is_empty(&endpoint->round) && list_is_empty(&endpoint->ready))
        return true;
    if (list_is_empty(&endpoint->round)) {
        now_ns = clock_real_ns();
        if (!may_begin(endpoint, now_ns)) {
            flush_patient(endpoint);
            return true;
        }
        list_take_all(&endpoint->round, &endpoint->ready);
        h2_pace_begin(&endpoint->pace, now_ns, endpoint->counters.bytes_out);
    }
    (void)work_through(&endpoint->round, flush_in_round, SESSIONS_PER_CHECK);
    if (!list_is_empty(&endpoint->round))
        return false;
    now_ns = clock_real_ns();
    h2_pace_end(&endpoint->pace, now_ns, endpoint->counters.bytes_out);
    if (may_begin(endpoint, now_ns))
        return false;
    flush_patient(endpoint);
    return true;
}

bool h2_flush_run(struct loop_hook *hook)
{
    struct h2_endpoint *endpoint = container_of(hook, struct h2_endpoint, flush_hook);

    read_waiting(endpoint);
    endpoint->has_read = false; /* the next turn has its own */
    bool is_done = work_through_snapshot(&endpoint->urgent, flush_urgent, SESSIONS_PER_CHECK);

    /* Events get their slice however many answers there are, and handshakes theirs. */
    is_done = flush_round(endpoint) && is_done;
    is_done = work_through_snapshot(&endpoint->handshaking, h2_session_handshake, 1) && is_done;
    return !is_done || !list_is_empty(&endpoint->readable);
}
