/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything a session may not take for ever, on one timer. What happens often (input, output) only
 * notes a time; the timer then finds out whether a deadline has passed or where the next one is.
 *
 * And how a session leaves while the server stops (RFC 9113 6.8): a first GOAWAY says that this is
 * coming, and a PING behind it comes back when the client has read that; the second GOAWAY names
 * the last stream that is served. So no request is lost that was sent before. The session ends with
 * its last stream. Another protocol says it in its own way (h2_protocol.drain).
 */
#include <string.h>

#include "h2/state.h"

/* For a client to send its first request, from when it has connected. */
#define FIRST_REQUEST_MS 2000u
/* For the answer to the PING of a drain. Whoever takes longer may lose what it sends meanwhile, and
 * is told so: the stream is above the one that the second GOAWAY names. */
#define DRAIN_ANSWER_MS 1000u
#define NEVER           UINT64_MAX
#define LINGER_MS       1000u
/* The answer to a PING is looked for so much later, with those of the same tick: one by one, those
 * of 15,000 idle clients would wake the loop hundreds of times a second. */
#define ANSWER_MS   500u
#define PING_OCTETS (9u + 8u) /* RFC 9113 6.7 */

/* Told from other PINGs, which are zeros. */
static const uint8_t drain_ping[8] = {'d', 'r', 'a', 'i', 'n', 'i', 'n', 'g'};

static void step(struct h2_session *session, enum h2_drain_step step)
{
    session->drain = step;
    session->drain_since = loop_served_ms(session->endpoint->loop);
}

static void tell(struct h2_session *session)
{
    if (session->protocol) {
        step(session, H2_DRAIN_FINAL);
        session->protocol->drain(session);
        return;
    }
    step(session, H2_DRAIN_TOLD);
    if (nghttp2_submit_shutdown_notice(session->nghttp2) != 0 ||
        nghttp2_submit_ping(session->nghttp2, NGHTTP2_FLAG_NONE, drain_ping) != 0) {
        h2_session_close(session);
        return;
    }
    h2_session_hear_all(session);
    h2_session_mark(session, true);
    h2_session_arm(session);
}

static void finish(struct h2_session *session)
{
    const int32_t last = nghttp2_session_get_last_proc_stream_id(session->nghttp2);

    step(session, H2_DRAIN_FINAL);
    if (nghttp2_submit_goaway(session->nghttp2, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, NULL,
                              0) != 0)
        h2_session_close(session);
    else
        h2_session_mark(session, true);
}

void h2_session_drain(struct h2_session *session)
{
    if ((!session->nghttp2 && !session->protocol) || session->drain != H2_DRAIN_NONE ||
        session->phase > H2_SESSION_OPEN)
        return;
    if (session->has_asked) {
        tell(session);
        return;
    }
    session->drain = H2_DRAIN_FIRST;
    session->drain_since = session->busy_at;
    h2_session_arm(session);
}

void h2_session_drain_asked(struct h2_session *session)
{
    session->has_asked = true;
    if (session->drain != H2_DRAIN_FIRST)
        return;
    if (session->protocol) /* which sees from the endpoint that this is the last one */
        step(session, H2_DRAIN_FINAL);
    else
        tell(session);
}

void h2_session_drain_answered(struct h2_session *session, const uint8_t *octets)
{
    if (session->drain == H2_DRAIN_TOLD && memcmp(octets, drain_ping, sizeof(drain_ping)) == 0)
        finish(session);
}

/* When it goes on without the client. */
static uint64_t drain_deadline(const struct h2_session *session)
{
    switch (session->drain) {
    case H2_DRAIN_FIRST:
        return session->drain_since + FIRST_REQUEST_MS;
    case H2_DRAIN_TOLD:
        return session->drain_since + DRAIN_ANSWER_MS;
    default:
        return NEVER;
    }
}

void h2_endpoint_announce(struct h2_endpoint *endpoint)
{
    endpoint->is_announced = true;
}

void h2_endpoint_drain(struct h2_endpoint *endpoint)
{
    h2_endpoint_announce(endpoint);
    endpoint->draining = true;
    list_for_each_safe(node, after, &endpoint->sessions)
        h2_session_drain(container_of(node, struct h2_session, node));
}

static uint64_t after(uint64_t since, uint64_t delay)
{
    return since ? since + delay : NEVER;
}

static uint64_t earlier(uint64_t one, uint64_t other)
{
    return one < other ? one : other;
}

/* When to look for the answer to a PING that does not wake us. */
static uint64_t answer_at(const struct h2_session *session)
{
    return session->ping_since + earlier(ANSWER_MS, session->endpoint->limits.ping_ack_ms);
}

bool h2_session_is_to_look(const struct h2_session *session)
{
    return session->is_ping_quiet && loop_served_ms(session->endpoint->loop) >= answer_at(session);
}

static uint64_t next_deadline(const struct h2_session *session)
{
    const struct h2_limits *limits = &session->endpoint->limits;

    switch (session->phase) {
    case H2_SESSION_QUEUED:
        return NEVER; /* it is we who keep it waiting */
    case H2_SESSION_PROXY:
    case H2_SESSION_SILENT:
    case H2_SESSION_HANDSHAKE:
        return session->phase_since + limits->handshake_ms;
    case H2_SESSION_PREFACE:
    case H2_SESSION_ENDING:
        return session->phase_since + limits->preface_ms;
    case H2_SESSION_LINGERING:
        return session->phase_since + LINGER_MS;
    case H2_SESSION_CLOSED:
        return NEVER;
    case H2_SESSION_OPEN:
        break;
    }
    uint64_t next = session->is_settled ? NEVER : session->settings_since + limits->settings_ack_ms;
    next = earlier(next, after(session->headers_since, limits->headers_ms));
    next = earlier(next, after(session->blocked_since, limits->write_stall_ms));
    next = earlier(next, after(session->stalled_since, limits->write_stall_ms));
    next = earlier(next, after(session->paced_until, 0));
    next = earlier(next, drain_deadline(session));
    if (session->stream_count == 0)
        next = earlier(next, session->busy_at + limits->idle_ms);
    if (session->protocol)
        return next; /* it has no PING: the kernel watches the client (h2_wire_watch_peer) */
    if (session->is_ping_quiet)
        return earlier(next, answer_at(session));
    if (session->ping_since)
        return earlier(next, session->ping_since + limits->ping_ack_ms);
    if (session->blocked_since)
        return next; /* a PING would only wait behind what the socket does not take */
    return earlier(next, session->read_at + session->ping_after);
}

void h2_session_arm(struct h2_session *session)
{
    struct loop *loop = session->endpoint->loop;
    uint64_t next = next_deadline(session);
    uint64_t now = loop_served_ms(loop);

    if (next == NEVER)
        return;
    if (loop_timer_is_active(&session->timer) && session->armed_for <= next)
        return;
    session->armed_for = next;
    loop_timer_start(loop, &session->timer, next > now ? next - now : 0);
}

static bool has_passed(uint64_t since, uint32_t delay, uint64_t now)
{
    return since && now >= since + delay;
}

/* One stream whose client gives it no window is broken off; the session goes on. */
static void reset_stalled(struct h2_session *session, uint64_t now)
{
    struct h2_endpoint *endpoint = session->endpoint;

    session->stalled_since = 0;
    list_for_each(node, &session->sending) {
        struct h2_stream *stream = container_of(node, struct h2_stream, sending_node);
        if (has_passed(stream->stalled_since, endpoint->limits.write_stall_ms, now)) {
            endpoint->counters.write_stalls++;
            stream->stalled_since = 0;
            h2_stream_reset(stream, NGHTTP2_CANCEL);
        } else if (stream->stalled_since) {
            session->stalled_since = session->stalled_since
                                         ? earlier(session->stalled_since, stream->stalled_since)
                                         : stream->stalled_since;
        }
    }
}

static void late(const struct h2_session *session, uint64_t *counter, const char *reason)
{
    const enum log_kind kind = session->phase == H2_SESSION_PROXY       ? LOG_OF_PROXIES
                               : session->phase <= H2_SESSION_HANDSHAKE ? LOG_OF_HANDSHAKES
                                                                        : LOG_OF_FRAMES;

    (*counter)++;
    h2_peer_refused(&session->origin.peer, kind, reason);
}

/* True when the session is at its end. */
static bool check_open(struct h2_session *session, uint64_t now)
{
    const struct h2_limits *limits = &session->endpoint->limits;
    struct h2_counters *counters = &session->endpoint->counters;

    if (has_passed(session->blocked_since, limits->write_stall_ms, now)) {
        late(session, &counters->write_stalls, "it reads nothing (limits.writeStallTimeout)");
        h2_session_close(session);
    } else if (has_passed(session->ping_since, limits->ping_ack_ms, now)) {
        late(session, &counters->ping_timeouts,
             "it does not answer a PING (limits.pingAckTimeout)");
        h2_session_close(session);
    } else if (!session->is_settled &&
               has_passed(session->settings_since, limits->settings_ack_ms, now)) {
        late(session, &counters->settings_ack_timeouts,
             "it does not acknowledge our SETTINGS (limits.settingsAckTimeout)");
        h2_session_terminate(session, NGHTTP2_SETTINGS_TIMEOUT);
    } else if (has_passed(session->headers_since, limits->headers_ms, now)) {
        late(session, &counters->header_timeouts,
             "its header block takes too long (limits.headersTimeout)");
        if (session->protocol)
            session->protocol->refuse(session, 408,
                                      "The request's header fields came too slowly "
                                      "(limits.headersTimeout)");
        else
            h2_session_terminate(session, NGHTTP2_ENHANCE_YOUR_CALM);
    } else if (session->stream_count == 0 && has_passed(session->busy_at, limits->idle_ms, now)) {
        counters->idle_timeouts++;
        h2_session_terminate(session, NGHTTP2_NO_ERROR);
    } else {
        return false;
    }
    return true;
}

/* True when it did. */
static bool ping_when_silent(struct h2_session *session, uint64_t silence)
{
    const uint64_t now = loop_served_ms(session->endpoint->loop);

    if (session->phase != H2_SESSION_OPEN || session->protocol || session->ping_since ||
        session->blocked_since || now < session->read_at + silence)
        return false;
    session->ping_since = now;
    if (nghttp2_submit_ping(session->nghttp2, NGHTTP2_FLAG_NONE, NULL) != 0) {
        h2_session_close(session);
        return false;
    }
    session->is_ping_quiet = true;
    h2_wire_wake_above(&session->wire, PING_OCTETS);
    return true;
}

void h2_session_ping_along(struct h2_session *session)
{
    (void)ping_when_silent(session, session->ping_after * 5 / 6);
}

/* What it should have said by now did not come. */
static void give_up(const struct h2_session *session, struct h2_counters *counters)
{
    if (session->phase == H2_SESSION_PROXY)
        late(session, &counters->proxy_timeouts, "no PROXY header came in time");
    else if (session->phase <= H2_SESSION_HANDSHAKE)
        late(session, &counters->handshake_timeouts,
             "its handshake took too long (limits.handshakeTimeout)");
    else if (session->phase == H2_SESSION_PREFACE)
        late(session, &counters->preface_timeouts,
             "no preface of HTTP/2 came in time (limits.prefaceTimeout)");
}

void h2_session_check_deadlines(struct loop_timer *timer)
{
    struct h2_session *session = container_of(timer, struct h2_session, timer);
    struct h2_counters *counters = &session->endpoint->counters;
    uint64_t now = loop_served_ms(session->endpoint->loop);

    if (session->phase == H2_SESSION_OPEN && h2_session_is_to_look(session)) {
        h2_session_mark(session, false);
        return; /* the flush looks, and arms the timer again */
    }
    if (session->phase == H2_SESSION_OPEN) {
        if (check_open(session, now))
            return;
        if (now >= drain_deadline(session))
            (session->drain == H2_DRAIN_FIRST ? tell : finish)(session);
        if (has_passed(session->stalled_since, session->endpoint->limits.write_stall_ms, now))
            reset_stalled(session, now);
        if (has_passed(session->paced_until, 0, now)) {
            session->paced_until = 0;
            h2_session_mark(session, false);
        }
        if (ping_when_silent(session, session->ping_after))
            h2_session_mark(session, false);
    } else if (now >= next_deadline(session)) {
        give_up(session, counters);
        h2_session_close(session);
        return;
    }
    h2_session_arm(session);
}

void h2_session_linger(struct h2_session *session)
{
    if (session->is_evicted) { /* somebody waits for its descriptor, and its client for nothing */
        h2_session_close(session);
        return;
    }
    session->phase = H2_SESSION_LINGERING;
    session->phase_since = loop_served_ms(session->endpoint->loop);
    session->is_paused = false;
    list_remove(&session->flush_node);
    while (!list_is_empty(&session->streams))
        h2_stream_closed(container_of(session->streams.next, struct h2_stream, node));
    if (session->phase == H2_SESSION_CLOSED)
        return; /* a handler did that */
    h2_wire_finish(&session->wire);
    h2_session_hear_all(session);
    h2_session_arm(session);
    h2_session_update_io(session);
}
