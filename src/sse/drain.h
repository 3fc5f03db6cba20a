/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_DRAIN_H
#define SSE_DRAIN_H
/*
 * The end of a service's streams when the server stops: each at a moment of its own within a span,
 * so that not all pages come back at once. A page is told to come back when the span is over, again
 * at a moment of its own: by then a server that stands alone has been started again, and it gets no
 * more pages a second than the span has let go.
 *
 * Both moments are taken from an R2 sequence with a random start (a Weyl sequence in two
 * dimensions): they look random, and yet lie evenly, however few the pages are.
 */
#include <stdint.h>

struct sse_service;

/* In struct sse_service. Zero-filled: no stop is under way. */
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
