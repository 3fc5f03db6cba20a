/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_RECORDING_SINK_H
#define SUPPORT_RECORDING_SINK_H
/*
 * The client's side of a connection as a buffer: keeps what was taken and counts the calls. With
 * is_eager it takes inside wake; on_wake lets a test do worse.
 */
#include "base/buf.h"
#include "sse/connection.h"

struct recording_sink {
    struct sse_connection *connection; /* set by the test once it is open */
    struct buf received;
    unsigned wakes, closes;
    bool is_eager;
    bool is_ended; /* everything was taken, and nothing follows */
    void (*on_wake)(struct recording_sink *sink);
};

/* Takes what there is, in pieces of at most step bytes (0: all at once). */
static inline void recording_sink_drain(struct recording_sink *sink, size_t step)
{
    bool is_last = false;
    size_t ready;

    while ((ready = sse_connection_ready(sink->connection, &is_last)) > 0) {
        const size_t piece = step > 0 && step < ready ? step : ready;

        buf_reserve(&sink->received, piece);
        sse_connection_take(sink->connection, sink->received.data + sink->received.length, piece);
        sink->received.length += piece;
        sink->received.data[sink->received.length] = '\0';
    }
    sink->is_ended = is_last;
}

static inline void recording_sink_wake(void *context)
{
    struct recording_sink *sink = context;

    sink->wakes++;
    if (sink->is_eager && sink->connection)
        recording_sink_drain(sink, 0);
    if (sink->on_wake)
        sink->on_wake(sink);
}

static inline void recording_sink_close(void *context)
{
    struct recording_sink *sink = context;

    sink->closes++;
}

static const struct sse_sink recording_sink = {recording_sink_wake, recording_sink_close};

static inline void recording_sink_release(struct recording_sink *sink)
{
    buf_release(&sink->received);
    *sink = (struct recording_sink){0};
}

#endif
