/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_DISPATCH_H
#define SSE_DISPATCH_H
/*
 * Brings a message (or a disconnect) to the connections of this worker that its target selects, by
 * the smallest group that covers it. Strictly in order of submission per service: a long fan-out is
 * cut into slices of about a millisecond and later messages wait behind it, so that order holds.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "sse/connection.h"

struct sse_dispatch;
struct sse_event;
struct sse_service;
struct sse_target;

/* One piece of work; embed it in what needs the result. Its texts and target must live until
 * on_done, which runs once, in this worker's thread, perhaps before sse_dispatch_submit returns. */
struct sse_dispatch_job {
    struct list node;
    const struct sse_target *target;
    struct sse_event *event; /* sent; or NULL: each selected connection is closed, with: */
    enum sse_close_reason reason;
    const char *text;
    int64_t reconnect_ms;
    size_t count; /* result: connections written to (or closed), each once */
    void (*on_done)(struct sse_dispatch_job *job);
    /* the dispatcher's own: where a sliced walk stands */
    size_t value_index, member_index;
    uint64_t mark;
};

struct sse_dispatch *sse_dispatch_new(struct sse_service *service);
void sse_dispatch_free(
    struct sse_dispatch *dispatch); /* jobs that wait are done with their count */

void sse_dispatch_submit(struct sse_dispatch *dispatch, struct sse_dispatch_job *job);

#endif
