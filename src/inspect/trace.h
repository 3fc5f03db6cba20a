/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INSPECT_TRACE_H
#define INSPECT_TRACE_H
/* GET trace: what was recorded lately (broker/trace.h), page by page; or, for who accepts
 * text/event-stream, what is recorded from now on (trace_watch.c). */
#include <stdbool.h>

#include "broker/trace_filter.h"
#include "sse/connection_id.h"

struct api_exchange;

struct trace_asked {
    struct trace_filter filter; /* its texts are lent from the exchange, but for: */
    char connection[SSE_CONNECTION_ID_SIZE];
};

/* False: it has answered. */
bool trace_asked_read(struct trace_asked *asked, struct api_exchange *exchange);

/* ---- trace_watch.c ---- */

/* Opens the stream, or refuses it. */
void trace_watch_start(struct api_exchange *exchange, const struct trace_asked *asked);

#endif
