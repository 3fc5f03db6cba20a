/* SPDX-License-Identifier: Apache-2.0 */
#include "api/page/event_stream.h"

#include <stdlib.h>

#include "api/exchange.h"
#include "base/mem.h"
#include "h2/session.h"
#include "h2/stream.h"
#include "sse/connection.h"

#define CANCEL 0x8u /* RFC 9113 7 */

struct event_stream {
    struct h2_stream *stream; /* NULL until it can carry something; lives longer than this */
    struct sse_connection *connection;
    uint32_t *tally; /* of the session, which outlives its streams */
};

static void on_wake(void *context)
{
    const struct event_stream *events = context;

    if (events->stream)
        h2_stream_resume(events->stream);
}

static void on_break(void *context)
{
    const struct event_stream *events = context;

    if (events->stream)
        h2_stream_reset(events->stream, CANCEL);
}

static const struct sse_sink sink = {.wake = on_wake, .close = on_break};

static size_t source_ready(void *source, bool *last)
{
    const struct event_stream *events = source;

    return sse_connection_ready(events->connection, last);
}

static void source_take(void *source, char *to, size_t length)
{
    const struct event_stream *events = source;

    sse_connection_take(events->connection, to, length);
}

static void source_closed(void *source)
{
    struct event_stream *events = source;

    (*events->tally)--;
    sse_connection_gone(events->connection);
    free(events);
}

static const struct h2_body_source source = {
    .ready = source_ready,
    .take = source_take,
    .closed = source_closed,
};

void api_event_stream_open(struct api_exchange *exchange, struct sse_connection_options *options,
                           struct h2_response *response)
{
    struct h2_stream *stream = exchange->stream;
    struct event_stream *events = mem_zalloc(sizeof(*events));

    events->tally = h2_session_tally(h2_stream_session(stream));
    (*events->tally)++;
    options->sink = &sink;
    options->sink_context = events;
    events->connection = sse_connection_open(exchange->service->core, options);
    events->stream = stream;
    response->source = &source;
    response->source_context = events;
    h2_stream_prefer(stream);
    h2_stream_respond(stream, response);
    h2_stream_forget_request(stream);
}
