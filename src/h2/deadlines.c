/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything a session may not take for ever, on one timer. What happens often (input, output) only
 * notes a time; the timer then finds out whether a deadline has passed or where the next one is.
 */
#include "h2/session_state.h"
#include "h2/stream_state.h"

#define NEVER     UINT64_MAX
#define LINGER_MS 1000u
/* The answer to a PING is looked for so much later, with those of the same notch: one by one, those
 * of 15,000 idle clients would wake the loop hundreds of times a second. */
#define ANSWER_MS   500u
#define PING_OCTETS (9u + 8u) /* RFC 9113 6.7 */

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
    next = earlier(next, h2_session_drain_deadline(session));
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

static void late(const struct h2_session *session, enum log_kind kind, const char *reason)
{
    h2_peer_refused(&session->origin.peer, kind, reason);
}

/* True when the session is at its end. */
static bool check_open(struct h2_session *session, uint64_t now)
{
    const struct h2_limits *limits = &session->endpoint->limits;
    struct h2_counters *counters = &session->endpoint->counters;

    if (has_passed(session->blocked_since, limits->write_stall_ms, now)) {
        counters->write_stalls++;
        late(session, LOG_OF_FRAMES, "it reads nothing (limits.writeStallTimeout)");
        h2_session_close(session);
        return true;
    }
    if (has_passed(session->ping_since, limits->ping_ack_ms, now)) {
        counters->ping_timeouts++;
        late(session, LOG_OF_FRAMES, "it does not answer a PING (limits.pingAckTimeout)");
        h2_session_close(session);
        return true;
    }
    if (!session->is_settled && has_passed(session->settings_since, limits->settings_ack_ms, now)) {
        counters->settings_ack_timeouts++;
        late(session, LOG_OF_FRAMES,
             "it does not acknowledge our SETTINGS (limits.settingsAckTimeout)");
        h2_session_terminate(session, NGHTTP2_SETTINGS_TIMEOUT);
        return true;
    }
    if (has_passed(session->headers_since, limits->headers_ms, now)) {
        counters->header_timeouts++;
        late(session, LOG_OF_FRAMES, "its header block takes too long (limits.headersTimeout)");
        if (session->protocol)
            session->protocol->refuse(session, 408,
                                      "The request's header fields came too slowly "
                                      "(limits.headersTimeout)");
        else
            h2_session_terminate(session, NGHTTP2_ENHANCE_YOUR_CALM);
        return true;
    }
    if (session->stream_count == 0 && has_passed(session->busy_at, limits->idle_ms, now)) {
        counters->idle_timeouts++;
        h2_session_terminate(session, NGHTTP2_NO_ERROR);
        return true;
    }
    return false;
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
    if (session->phase == H2_SESSION_PROXY) {
        counters->proxy_timeouts++;
        late(session, LOG_OF_PROXIES, "no PROXY header came in time");
    } else if (session->phase <= H2_SESSION_HANDSHAKE) {
        counters->handshake_timeouts++;
        late(session, LOG_OF_HANDSHAKES, "its handshake took too long (limits.handshakeTimeout)");
    } else if (session->phase == H2_SESSION_PREFACE) {
        counters->preface_timeouts++;
        late(session, LOG_OF_FRAMES, "no preface of HTTP/2 came in time (limits.prefaceTimeout)");
    }
}

void h2_session_check_deadlines(struct h2_session *session)
{
    struct h2_counters *counters = &session->endpoint->counters;
    uint64_t now = loop_served_ms(session->endpoint->loop);

    if (session->phase == H2_SESSION_OPEN && h2_session_is_to_look(session)) {
        h2_session_mark(session, false);
        return; /* the flush looks, and arms the timer again */
    }
    if (session->phase == H2_SESSION_OPEN) {
        if (check_open(session, now))
            return;
        if (now >= h2_session_drain_deadline(session))
            h2_session_drain_late(session);
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
