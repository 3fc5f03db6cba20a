/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/expiry.h"

/* For a credential that was taken in spite of its age, since clocks differ: from its end on,
 * however often it is shown. */
#define GRACE_MS 30000
/* And if that is over, too: long enough to tell. */
#define SHORTEST_MS 1000
/* A clock that was set forward is noticed after so long. */
#define LONGEST_WAIT_MS 30000

static int64_t larger(int64_t one, int64_t other)
{
    return one > other ? one : other;
}

static int64_t end_of(int64_t expires_at, int64_t now)
{
    if (expires_at > now)
        return expires_at;
    return larger(expires_at + GRACE_MS, now + SHORTEST_MS);
}

static int64_t smaller(int64_t one, int64_t other)
{
    return one < other ? one : other;
}

void sse_expiry_set(struct sse_expiry *expiry, int64_t expires_at, uint32_t notice_ms, int64_t now)
{
    int64_t left;

    *expiry = (struct sse_expiry){0, 0};
    if (expires_at == 0)
        return;
    expiry->at = end_of(expires_at, now);
    left = expiry->at - now;
    expiry->notice_ms = (uint32_t)smaller(notice_ms, left - left / 10);
}

enum sse_expiry_step sse_expiry_next(struct sse_expiry *expiry, int64_t now)
{
    if (expiry->at == 0)
        return SSE_EXPIRY_NOTHING;
    if (now >= expiry->at)
        return SSE_EXPIRY_END;
    if (expiry->at - now > expiry->notice_ms || expiry->notice_ms == 0)
        return SSE_EXPIRY_NOTHING;
    expiry->notice_ms = 0;
    return SSE_EXPIRY_NOTICE;
}

uint64_t sse_expiry_wait_ms(const struct sse_expiry *expiry, int64_t now)
{
    int64_t left = expiry->at - now - expiry->notice_ms;

    if (expiry->at == 0)
        return UINT64_MAX;
    return left > 0 ? (uint64_t)smaller(left, LONGEST_WAIT_MS) : 0;
}
