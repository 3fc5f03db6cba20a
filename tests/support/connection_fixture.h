/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_CONNECTION_FIXTURE_H
#define SUPPORT_CONNECTION_FIXTURE_H
/* Ann's connection in a room of its own, and what she has been told. */
#include "sse/connection.h"
#include "support/event_stream.h"
#include "support/sse_env.h"
#include "support/test.h"

static const struct sse_guest ann = {.user = "ann", .listeners = {"bell"}};

struct fixture {
    struct sse_env env;
    struct recording_sink sink;
    struct sse_connection *connection;
};

static inline void open_fixture(struct fixture *fixture)
{
    *fixture = (struct fixture){0};
    sse_env_open(&fixture->env);
    fixture->connection = sse_env_settle(&fixture->env, &fixture->sink, &ann);
}

static inline void close_fixture(struct fixture *fixture)
{
    sse_env_leave(&fixture->sink);
    assert_int_equal(fixture->env.service->queued_bytes, 0);
    sse_env_close(&fixture->env);
}

static inline bool push(struct sse_connection *connection, const char *name, const char *data)
{
    struct sse_event *event = sse_env_event(name, data);
    const bool is_queued = sse_connection_push(connection, event);

    sse_event_unref(event);
    return is_queued;
}

/* What has come, as "name=data " each. */
static inline void assert_received(struct recording_sink *sink, const char *expected)
{
    struct event_stream stream;
    struct buf told = BUF_INIT;

    recording_sink_drain(sink, 7);
    event_stream_parse(&stream, buf_str(&sink->received), sink->received.length);
    assert_true(stream.is_whole);
    for (size_t i = 0; i < stream.count; i++)
        buf_printf(&told, "%s=%s ", stream.events[i].name, stream.events[i].data);
    assert_string_equal(buf_str(&told), expected);
    buf_release(&told);
    event_stream_release(&stream);
}

#endif
