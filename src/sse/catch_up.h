/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_CATCH_UP_H
#define SSE_CATCH_UP_H
/*
 * A connection whose page was away gets what it has missed from the history, in order, as its queue
 * has room. Until it has all, what is dispatched passes it by: that is in the history, too. Then it
 * joins those that are written to as things happen.
 */
#include <stdbool.h>
#include <stdint.h>

struct sse_arrival;
struct sse_backlog;

struct sse_catch_up {
    uint64_t seen; /* up to this position it has what is for it */
    /* Kept events between these positions pass it by. */
    uint64_t gated_after, gated_to;
    bool is_exact;       /* as its arrival says */
    uint64_t until_mark; /* of dispatch: later jobs are written to it as to everybody */
};

enum sse_progress {
    SSE_PROGRESS_DONE,
    SSE_PROGRESS_MORE,  /* there is more to do now */
    SSE_PROGRESS_WAITS, /* for room */
};

void sse_catch_up_init(struct sse_catch_up *catch_up, const struct sse_arrival *arrival);

/* A slice of the backlog's, which is held. The connection may have ended then. */
enum sse_progress sse_catch_up_run(struct sse_backlog *backlog);

#endif
