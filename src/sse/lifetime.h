/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_LIFETIME_H
#define SSE_LIFETIME_H
/*
 * When a connection ends by the clock: with the credential behind it, at the end of its life, or
 * because the server stops.
 */
#include <stdint.h>

struct sse_service;
struct sse_service_settings;

/* ---- credentials ---- */

/* When it expires, and when its page is told before that. By the wall clock, which may jump: so
 * nobody should wait long before the next check. Times in ms. Zero-filled: it does not expire. */
struct sse_expiry {
    int64_t at;         /* 0: never */
    uint32_t notice_ms; /* so long before; 0: nothing is told, or it was */
};

enum sse_expiry_step { SSE_EXPIRY_NOTHING, SSE_EXPIRY_NOTICE, SSE_EXPIRY_END };

/* A credential that is let in although its time has passed is good until 30 s after that. Of a
 * short life the notice leaves out the beginning, so that it does not come with the greeting. */
void sse_expiry_set(struct sse_expiry *expiry, int64_t expires_at, uint32_t notice_ms, int64_t now);
/* What is due. A notice is due once. */
enum sse_expiry_step sse_expiry_next(struct sse_expiry *expiry, int64_t now);
/* Until the next look at it; UINT64_MAX: none is needed. */
uint64_t sse_expiry_wait_ms(const struct sse_expiry *expiry, int64_t now);

/* ---- lives ---- */

/* How long a connection whose page asks for so much lasts: that counts where the service says
 * nothing, or lets it; within limits. 0: it has no end. */
int64_t sse_choose_life_ms(const struct sse_service_settings *settings, int64_t asked_ms);

/* ---- a server that stops ---- */

/*
 * Streams end each at a moment of its own within a span, so that not all pages come back at once. A
 * page is told to come back when the span is over, again at a moment of its own: by then a server
 * that stands alone has been started again, and it gets no more pages a second than the span has
 * let go.
 *
 * Both moments are taken from an R2 sequence with a random start (a Weyl sequence in two
 * dimensions): they look random, and yet lie evenly, however few the pages are.
 *
 * In struct sse_service. Zero-filled: no stop is under way.
 */
struct sse_drain {
    uint64_t until; /* loop ms: when the last stream ends; 0: no stop is under way */
    uint32_t spread_ms;
    uint32_t end_place, return_place; /* of the next one: 2^32 is the whole span */
};

/* Begins with the span of spread_ms from now_ms on, loop time; 0: all ends at once. */
void sse_drain_begin(struct sse_drain *drain, uint32_t spread_ms, uint64_t now_ms);
/* When the next stream is to end: between now_ms and until. */
uint64_t sse_drain_next_end(struct sse_drain *drain, uint64_t now_ms);
/* How long the page of a stream that ends now is to wait, in ms. */
int64_t sse_drain_next_wait(struct sse_drain *drain, uint64_t now_ms);

/* Begins for this worker's part of a service: for its streams, behind all that was sent to them
 * before, and for those that open from now on. */
void sse_service_drain(struct sse_service *service, uint32_t spread_ms);

#endif
