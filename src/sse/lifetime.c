/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/lifetime.h"

#include <stdlib.h>

#include "base/loop.h"
#include "base/mem.h"
#include "base/random.h"
#include "sse/dispatch.h"
#include "sse/service.h"
#include "sse/target.h"

/* For a credential that was taken in spite of its age, since clocks differ: from its end on,
 * however often it is shown. */
#define GRACE_MS 30000
/* And if that is over, too: long enough to tell. */
#define SHORTEST_MS 1000
/* A clock that was set forward is noticed after so long. */
#define LONGEST_WAIT_MS 30000

/* What a page asks for beyond this is no limit in practice, and would overflow the clock. */
#define LONGEST_LIFE_MS (INT64_C(10) * 365 * 24 * 3600 * 1000)
/* A page may not ask to come back more often than that. */
#define SHORTEST_ASKED_MS 60000

/* 2^32 / p and 2^32 / p^2, p being the plastic number: the steps of R2. */
#define END_STEP    3242174889u
#define RETURN_STEP 2447445414u

/* From the end of the last stream until a server that is started again accepts. */
#define RESTART_MS 2000u

/* Without a span: pages come back within so much, and not before a second has passed. */
#define LEAST_WAIT_MS 1000u
#define WAIT_SPAN_MS  15000u

/* ---- credentials ---- */

static int64_t smaller(int64_t one, int64_t other)
{
    return one < other ? one : other;
}

static int64_t end_of(int64_t expires_at, int64_t now)
{
    if (expires_at > now)
        return expires_at;
    return expires_at + GRACE_MS > now + SHORTEST_MS ? expires_at + GRACE_MS : now + SHORTEST_MS;
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

/* ---- lives ---- */

int64_t sse_choose_life_ms(const struct sse_service_settings *settings, int64_t asked_ms)
{
    const uint64_t most = (uint64_t)settings->lifetime_ms;
    const int64_t usual = most > 0 ? (int64_t)random_between(most - most / 5, most) : 0;

    if (asked_ms <= 0 || (usual > 0 && !settings->honors_keepalive))
        return usual;
    if (settings->honors_keepalive && asked_ms < SHORTEST_ASKED_MS)
        asked_ms = SHORTEST_ASKED_MS;
    return smaller(asked_ms, usual > 0 ? usual : LONGEST_LIFE_MS);
}

/* ---- a server that stops ---- */

static uint64_t part_of(uint64_t span, uint32_t place)
{
    return (span * place) >> 32;
}

void sse_drain_begin(struct sse_drain *drain, uint32_t spread_ms, uint64_t now_ms)
{
    *drain = (struct sse_drain){
        .until = now_ms + spread_ms,
        .spread_ms = spread_ms,
        .end_place = (uint32_t)random_between(0, UINT32_MAX),
        .return_place = (uint32_t)random_between(0, UINT32_MAX),
    };
}

uint64_t sse_drain_next_end(struct sse_drain *drain, uint64_t now_ms)
{
    const uint64_t left = drain->until > now_ms ? drain->until - now_ms : 0;

    drain->end_place += END_STEP;
    return now_ms + part_of(left, drain->end_place);
}

int64_t sse_drain_next_wait(struct sse_drain *drain, uint64_t now_ms)
{
    const uint64_t left = drain->until > now_ms ? drain->until - now_ms : 0;

    drain->return_place += RETURN_STEP;
    if (drain->spread_ms == 0)
        return (int64_t)(LEAST_WAIT_MS + part_of(WAIT_SPAN_MS, drain->return_place));
    return (int64_t)(left + RESTART_MS + part_of(drain->spread_ms, drain->return_place));
}

/* To every connection of the worker; frees itself. */
struct drain_job {
    struct sse_dispatch_job job;
    struct sse_target target;
};

static void on_done(struct sse_dispatch_job *job)
{
    free(container_of(job, struct drain_job, job));
}

void sse_service_drain(struct sse_service *service, uint32_t spread_ms)
{
    struct drain_job *drain = mem_zalloc(sizeof(*drain));

    sse_drain_begin(&service->drain, spread_ms, loop_now_ms(service->loop));
    drain->target.dimension = SSE_ALL;
    drain->job.target = &drain->target;
    drain->job.is_drain = true;
    drain->job.on_done = on_done;
    sse_dispatch_submit(service->dispatch, &drain->job);
}
