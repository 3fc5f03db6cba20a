/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/drain.h"

#include <stdlib.h>

#include "base/loop.h"
#include "base/mem.h"
#include "base/random.h"
#include "sse/dispatch.h"
#include "sse/service.h"
#include "sse/target.h"

/* 2^32 / p and 2^32 / p^2, p being the plastic number: the steps of R2. */
#define END_STEP    3242174889u
#define RETURN_STEP 2447445414u

/* From the end of the last stream until a server that is started again accepts. */
#define RESTART_MS 2000u

/* Without a span: pages come back within so much, and not before a second has passed. */
#define LEAST_WAIT_MS 1000u
#define WAIT_SPAN_MS  15000u

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
