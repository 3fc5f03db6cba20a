/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_EXPIRY_H
#define SSE_EXPIRY_H
/*
 * When the credential behind a connection ends, and when its page is told before that. By the wall
 * clock, as credentials are; it may jump, so that nobody should wait long before the next look.
 * Times in ms. Zero-filled: it does not end.
 */
#include <stdint.h>

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

#endif
