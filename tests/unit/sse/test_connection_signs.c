/* SPDX-License-Identifier: Apache-2.0 */
/* Heartbeats that a page sees. */
#include <string.h>

#include "base/buf.h"
#include "sse/connection.h"
#include "support/connection_fixture.h"
#include "support/event_stream.h"
#include "support/sse_env.h"
#include "support/test.h"

#define INTERVAL_MS 25000u
#define HEARTBEAT   "event:sse-heartbeat\ndata:\n\n"

static const struct sse_guest watching = {.user = "ann", .wants_heartbeat = true};

static void open_watched(struct sse_env *env, struct recording_sink *sink)
{
    sse_env_open(env);
    env->settings.comment_ms = INTERVAL_MS;
    sse_env_connect(env, sink, &watching);
}

static void take_all(struct recording_sink *sink)
{
    recording_sink_drain(sink, 0);
    buf_clear(&sink->received);
}

static void close_watched(struct sse_env *env, struct recording_sink *sink)
{
    sse_env_leave(sink);
    sse_env_close(env);
}

/* What connect-finish promises to a guest; 0: nothing. */
static json_int_t promised(const struct sse_guest *guest, uint32_t comment_ms)
{
    struct sse_env env;
    struct recording_sink sink = {0};
    struct event_stream stream;
    json_t *data;
    json_int_t interval;

    sse_env_open(&env);
    env.settings.comment_ms = comment_ms;
    sse_env_connect(&env, &sink, guest);
    recording_sink_drain(&sink, 0);
    event_stream_parse(&stream, buf_str(&sink.received), sink.received.length);
    data = json_loads(stream.events[0].data, 0, NULL);
    assert_non_null(data);
    interval = json_integer_value(json_object_get(data, "heartbeat"));
    json_decref(data);
    event_stream_release(&stream);
    close_watched(&env, &sink);
    return interval;
}

static void test_promise(void **state)
{
    (void)state;
    assert_int_equal(promised(&watching, 7000), 7000);
    assert_int_equal(promised(&watching, 0), 0);
    assert_int_equal(promised(&ann, 7000), 0);
}

static void test_heartbeat_instead_of_comment(void **state)
{
    struct sse_env env;
    struct recording_sink sink = {.is_eager = true};

    (void)state;
    open_watched(&env, &sink);
    take_all(&sink);
    fake_loop_advance(env.loop, INTERVAL_MS);
    assert_string_equal(buf_str(&sink.received), HEARTBEAT);
    buf_clear(&sink.received);
    fake_loop_advance(env.loop, (uint64_t)10 * INTERVAL_MS);
    assert_in_range(env.service->counters.comments, 1 + 9, 1 + 12);
    assert_int_equal(sink.connection->message_count, 0);
    close_watched(&env, &sink);
}

/* Events that the page does not listen to are none to it. */
static void test_other_events_put_nothing_off(void **state)
{
    struct sse_env env;
    struct recording_sink sink = {.is_eager = true};

    (void)state;
    open_watched(&env, &sink);
    take_all(&sink);
    for (unsigned second = 0; second < 250; second++) {
        assert_true(push(sink.connection, "unheard", "1"));
        fake_loop_advance(env.loop, 1000);
    }
    assert_in_range(env.service->counters.comments, 10, 12);
    close_watched(&env, &sink);
}

/* A client that reads slowly finds one behind what it has not read, and no more than that. */
static void test_behind_what_waits(void **state)
{
    struct sse_env env;
    struct recording_sink sink = {0};

    (void)state;
    open_watched(&env, &sink);
    take_all(&sink);
    assert_true(push(sink.connection, "unheard", "1"));
    fake_loop_advance(env.loop, (uint64_t)40 * INTERVAL_MS);
    assert_int_equal(sink.connection->queue.count, 2);
    assert_true(push(sink.connection, "unheard", "2"));
    fake_loop_advance(env.loop, (uint64_t)40 * INTERVAL_MS);
    assert_int_equal(sink.connection->queue.count, 4);
    recording_sink_drain(&sink, 0);
    assert_string_equal(buf_str(&sink.received), "event:unheard\ndata:1\n\n" HEARTBEAT
                                                 "event:unheard\ndata:2\n\n" HEARTBEAT);
    close_watched(&env, &sink);
}

static void test_no_heartbeat_takes_the_place_of_an_event(void **state)
{
    struct sse_env env;
    struct recording_sink sink = {0};

    (void)state;
    open_watched(&env, &sink);
    env.settings.queue_events = 2;
    take_all(&sink);
    assert_true(push(sink.connection, "a", "1"));
    assert_true(push(sink.connection, "a", "2"));
    fake_loop_advance(env.loop, (uint64_t)4 * INTERVAL_MS);
    assert_int_equal(sink.connection->queue.count, 2);
    recording_sink_drain(&sink, 0);
    assert_null(strstr(buf_str(&sink.received), HEARTBEAT));
    close_watched(&env, &sink);
}

static void assert_nobody_misses_a_sign(const struct sse_guest *guest)
{
    struct sse_env env;
    struct recording_sink sink = {0};

    sse_env_open(&env);
    env.settings.comment_ms = INTERVAL_MS;
    env.settings.slow_policy = SSE_SLOW_DROP_OLDEST;
    env.settings.queue_events = 2;
    sse_env_settle(&env, &sink, guest);
    fake_loop_advance(env.loop, INTERVAL_MS);
    assert_int_equal(sink.connection->queue.count, 1);
    assert_true(push(sink.connection, "a", "1"));
    assert_true(push(sink.connection, "a", "2"));
    assert_int_equal(env.service->counters.events_dropped_oldest, 0);
    recording_sink_drain(&sink, 0);
    assert_string_equal(buf_str(&sink.received), "event:a\ndata:1\n\nevent:a\ndata:2\n\n");
    close_watched(&env, &sink);
}

static void test_nobody_misses_a_sign(void **state)
{
    (void)state;
    assert_nobody_misses_a_sign(&ann);
    assert_nobody_misses_a_sign(&watching);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_promise),
        cmocka_unit_test(test_heartbeat_instead_of_comment),
        cmocka_unit_test(test_other_events_put_nothing_off),
        cmocka_unit_test(test_behind_what_waits),
        cmocka_unit_test(test_no_heartbeat_takes_the_place_of_an_event),
        cmocka_unit_test(test_nobody_misses_a_sign),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
