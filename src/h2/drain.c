/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/drain.h"

#include <string.h>

#include "h2/protocol.h"
#include "h2/session_state.h"

/* For a client to send its first request, from when it has connected. */
#define FIRST_REQUEST_MS 2000u
/* For the answer to the PING. Whoever takes longer may lose what it sends meanwhile, and is told
 * so: the stream is above the one that the second GOAWAY names. */
#define ANSWER_MS 1000u

/* Told from those of h2/deadlines.c, which are zeros. */
static const uint8_t ping[8] = {'d', 'r', 'a', 'i', 'n', 'i', 'n', 'g'};

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
        nghttp2_submit_ping(session->nghttp2, NGHTTP2_FLAG_NONE, ping) != 0) {
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
    if (session->drain == H2_DRAIN_TOLD && memcmp(octets, ping, sizeof(ping)) == 0)
        finish(session);
}

uint64_t h2_session_drain_deadline(const struct h2_session *session)
{
    switch (session->drain) {
    case H2_DRAIN_FIRST:
        return session->drain_since + FIRST_REQUEST_MS;
    case H2_DRAIN_TOLD:
        return session->drain_since + ANSWER_MS;
    default:
        return UINT64_MAX;
    }
}

void h2_session_drain_late(struct h2_session *session)
{
    if (session->drain == H2_DRAIN_FIRST)
        tell(session);
    else if (session->drain == H2_DRAIN_TOLD)
        finish(session);
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
