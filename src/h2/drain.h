/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_DRAIN_H
#define H2_DRAIN_H
/*
 * How a session leaves while the server stops (RFC 9113 6.8): a first GOAWAY says that this is
 * coming, and a PING behind it comes back when the client has read that; the second GOAWAY names
 * the last stream that is served. So no request is lost that was sent before. The session ends with
 * its last stream. Another protocol says it in its own way (h2_protocol.drain). For this room only;
 * h2_endpoint_drain() begins.
 */
#include <stdint.h>

struct h2_session;

enum h2_drain_step {
    H2_DRAIN_NONE,
    H2_DRAIN_FIRST, /* has not asked for anything yet: may do so, and is told then */
    H2_DRAIN_TOLD,  /* the first GOAWAY and the PING are under way */
    H2_DRAIN_FINAL  /* the second one: no further stream is served */
};

/* A session that speaks nothing yet is drained when it does. A second call is a no-op. */
void h2_session_drain(struct h2_session *session);

/* It has opened a stream: always to be told. */
void h2_session_drain_asked(struct h2_session *session);

/* The answer to a PING with these 8 octets has come. */
void h2_session_drain_answered(struct h2_session *session, const uint8_t *octets);

/* When it goes on without the client; UINT64_MAX: it does not wait. loop_served_ms(). */
uint64_t h2_session_drain_deadline(const struct h2_session *session);
void h2_session_drain_late(struct h2_session *session); /* that time has come */

#endif
