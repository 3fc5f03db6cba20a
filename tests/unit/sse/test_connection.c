/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "sse/connection.h"
#include "sse/registry.h"
#include "support/connection_fixture.h"
#include "support/event_stream.h"
#include "support/sse_env.h"
#include "support/test.h"

static json_t *data_of(const struct event_stream *stream, size_t index)
{
    json_t *data = json_loads(stream->events[index].data, 0, NULL);

    assert_non_null(data);
    return data;
}

static void test_connect_finish(void **state)
{
    struct sse_env env;
    struct recording_sink sink = {0};
    struct event_stream stream;
    json_t *data;
    json_t *expected;
    char id[SSE_CONNECTION_ID_SIZE];

    (void)state;
    sse_env_open(&env);
    sse_env_connect(&env, &sink, &ann);
    assert_int_equal(sink.wakes, 1);
    recording_sink_drain(&sink, 1);
    assert_false(sink.is_ended);
    event_stream_parse(&stream, buf_str(&sink.received), sink.received.length);
    assert_int_equal(stream.count, 1);
    assert_string_equal(stream.events[0].name, "connect-finish");
    assert_int_equal(stream.retry_ms, 5000);
    assert_true(strlen(stream.events[0].id) > 0);
    data = data_of(&stream, 0);
    sse_connection_id_write(sink.connection, id);
    expected = json_pack("{s:s, s:I, s:i, s:s, s:b, s:s, s:i}", "connectionId", id, "serverTime",
                         (json_int_t)loop_wall_ms(env.loop), "reconnectTime", 5000, "name", "hr",
                         "enableCluster", 0, "version", "1.2.3", "ordered", 64);
    assert_true(json_equal(data, expected));
    assert_int_equal(strlen(id), 56);
    json_decref(data);
    json_decref(expected);
    event_stream_release(&stream);
    sse_env_leave(&sink);
    sse_env_close(&env);
}

static void test_connect_finish_says_how_long_it_lives(void **state)
{
    const struct sse_guest guest = {.user = "ann", .keepalive_time_ms = 900000};
    struct recording_sink sink = {0};
    struct sse_env env;

    (void)state;
    sse_env_open(&env);
    sse_env_connect(&env, &sink, &guest);
    recording_sink_drain(&sink, 1);
    assert_non_null(strstr(buf_str(&sink.received), ",\"timeout\":900000,"));
    sse_env_leave(&sink);
    sse_env_close(&env);
}

static void test_connect_finish_asks_for_acknowledgements(void **state)
{
    struct sse_env env;
    struct recording_sink sink = {0};
    struct event_stream stream;
    json_t *data;

    (void)state;
    sse_env_open(&env);
    env.settings.asks_acknowledgement = true;
    sse_env_connect(&env, &sink, &ann);
    recording_sink_drain(&sink, 1);
    event_stream_parse(&stream, buf_str(&sink.received), sink.received.length);
    data = data_of(&stream, 0);
    assert_true(json_is_true(json_object_get(data, "ack")));
    json_decref(data);
    event_stream_release(&stream);
    sse_env_leave(&sink);
    sse_env_close(&env);
}

static void test_padding(void **state)
{
    static const struct {
        size_t asked, comment;
    } cases[] = {{0, 0}, {1, 1}, {2048, 2048}, {4096, 4096}, {4097, 4096}, {SIZE_MAX, 4096}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sse_guest guest = {.user = "ann", .padding = cases[i].asked};
        struct sse_env env;
        struct recording_sink sink = {0};
        const char *text;

        sse_env_open(&env);
        sse_env_connect(&env, &sink, &guest);
        recording_sink_drain(&sink, 0);
        text = buf_str(&sink.received);
        if (cases[i].comment > 0) {
            assert_int_equal(text[0], ':');
            assert_int_equal(strspn(text + 1, " "), cases[i].comment);
            assert_int_equal(text[1 + cases[i].comment], '\n');
        } else {
            assert_int_not_equal(text[0], ':');
        }
        assert_non_null(strstr(text, "\nevent:connect-finish\n"));
        sse_env_leave(&sink);
        sse_env_close(&env);
    }
}

static void test_push_wakes_once(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    assert_true(push(f.connection, "a", "1"));
    assert_true(push(f.connection, "b", "2"));
    assert_int_equal(f.sink.wakes, 1);
    assert_int_equal(f.env.service->queued_bytes, f.connection->queue.bytes);
    assert_received(&f.sink, "a=1 b=2 ");
    assert_true(push(f.connection, "c", "3"));
    assert_int_equal(f.sink.wakes, 2);
    assert_int_equal(f.connection->message_count, 3);
    assert_int_equal(f.env.service->counters.events_queued, 3);
    assert_received(&f.sink, "a=1 b=2 c=3 ");
    close_fixture(&f);
}

/* Ends the connection and gives the data of connect-close, or NULL when there is none. */
static json_t *close_data(struct fixture *f, enum sse_close_reason reason, const char *text,
                          int64_t reconnect_ms, long *retry_ms)
{
    struct event_stream stream;
    json_t *data = NULL;

    assert_true(push(f->connection, "before", "x"));
    sse_connection_close(f->connection, reason, text, reconnect_ms);
    assert_null(f->connection->service);
    assert_false(push(f->connection, "after", "x"));
    assert_int_equal(f->env.service->counters.connections_closed[reason], 1);
    recording_sink_drain(&f->sink, 0);
    assert_true(f->sink.is_ended);
    event_stream_parse(&stream, buf_str(&f->sink.received), f->sink.received.length);
    *retry_ms = stream.retry_ms;
    if (stream.count > 0 && strcmp(stream.events[stream.count - 1].name, "connect-close") == 0)
        data = data_of(&stream, stream.count - 1);
    event_stream_release(&stream);
    return data;
}

static void assert_close(enum sse_close_reason reason, const char *text, int64_t reconnect_ms,
                         json_t *expected)
{
    struct fixture f;
    long retry_ms;
    json_t *data;

    open_fixture(&f);
    data = close_data(&f, reason, text, reconnect_ms, &retry_ms);
    if (expected) {
        assert_non_null(data);
        assert_true(sse_connection_id_is(f.connection,
                                         json_string_value(json_object_get(data, "connectionId"))));
        json_object_del(data, "connectionId");
        assert_true(json_equal(data, expected));
    } else {
        assert_null(data);
    }
    assert_int_equal(retry_ms, reason == SSE_CLOSE_DRAIN && reconnect_ms > 0 ? reconnect_ms : -1);
    json_decref(data);
    json_decref(expected);
    close_fixture(&f);
}

static void test_connect_close_by_reason(void **state)
{
    (void)state;
    assert_close(SSE_CLOSE_KICKED, NULL, -1,
                 json_pack("{s:s, s:b}", "reason", "kicked", "reconnect", 0));
    assert_close(SSE_CLOSE_KICKED, "go \"home\"", 0,
                 json_pack("{s:s, s:b}", "reason", "go \"home\"", "reconnect", 0));
    assert_close(SSE_CLOSE_KICKED, NULL, 100,
                 json_pack("{s:s, s:i}", "reason", "kicked", "reconnect", 100));
    assert_close(SSE_CLOSE_KICKED, "\xff", 100,
                 json_pack("{s:s, s:i}", "reason", "kicked", "reconnect", 100));
    assert_close(SSE_CLOSE_EVICTED, NULL, -1,
                 json_pack("{s:s, s:b}", "reason", "evicted", "reconnect", 0));
    assert_close(SSE_CLOSE_SLOW, NULL, -1,
                 json_pack("{s:s, s:i}", "reason", "slow", "reconnect", 5000));
    assert_close(SSE_CLOSE_DRAIN, NULL, 700,
                 json_pack("{s:s, s:i}", "reason", "drain", "reconnect", 700));
    assert_close(SSE_CLOSE_EXPIRED, NULL, -1,
                 json_pack("{s:s, s:i}", "reason", "expired", "reconnect", 5000));
    assert_close(SSE_CLOSE_CLIENT, NULL, -1,
                 json_pack("{s:s, s:b}", "reason", "client", "reconnect", 0));
    assert_close(SSE_CLOSE_LIFETIME, NULL, -1, NULL);
    assert_close(SSE_CLOSE_GONE, NULL, -1, NULL);
}

/* Those that take any connect-close as "stay away". */
static void test_last_words_to_who_hears_no_reasons(void **state)
{
    static const struct {
        enum sse_close_reason reason;
        int64_t reconnect_ms;
        const char *expected; /* behind the connectionId; NULL: no connect-close, */
        long retry_ms;        /* and this */
    } cases[] = {
        {SSE_CLOSE_KICKED, -1, ",\"reason\":\"kicked\",\"reconnect\":false}", -1},
        {SSE_CLOSE_KICKED, 0, ",\"reason\":\"kicked\",\"reconnect\":false}", -1},
        {SSE_CLOSE_EVICTED, 0, ",\"reason\":\"evicted\",\"reconnect\":false}", -1},
        {SSE_CLOSE_CLIENT, -1, "}", -1},
        {SSE_CLOSE_KICKED, 100, NULL, 100},
        {SSE_CLOSE_SLOW, -1, NULL, 5000},
        {SSE_CLOSE_EXPIRED, -1, NULL, 5000},
        {SSE_CLOSE_LIFETIME, -1, NULL, 5000},
        {SSE_CLOSE_DRAIN, 700, NULL, 700},
        {SSE_CLOSE_GONE, -1, NULL, -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct sse_guest guest = {.user = "ann", .is_plain = true};
        char id[SSE_CONNECTION_ID_SIZE], expected[256];
        struct recording_sink sink = {0};
        struct event_stream stream;
        struct sse_env env;

        sse_env_open(&env);
        sse_env_settle(&env, &sink, &guest);
        sse_connection_id_write(sink.connection, id);
        sse_connection_close(sink.connection, cases[i].reason, NULL, cases[i].reconnect_ms);
        recording_sink_drain(&sink, 0);
        event_stream_parse(&stream, buf_str(&sink.received), sink.received.length);
        assert_int_equal(stream.retry_ms, cases[i].retry_ms);
        assert_int_equal(stream.count, cases[i].expected ? 1 : 0);
        if (cases[i].expected) {
            snprintf(expected, sizeof(expected), "{\"connectionId\":\"%s\"%s", id,
                     cases[i].expected);
            assert_string_equal(stream.events[0].name, "connect-close");
            assert_string_equal(stream.events[0].data, expected);
        }
        event_stream_release(&stream);
        sse_env_leave(&sink);
        sse_env_close(&env);
    }
}

static void test_drain_spreads_the_return(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        struct fixture f;
        long retry_ms;
        json_t *data;

        open_fixture(&f);
        data = close_data(&f, SSE_CLOSE_DRAIN, NULL, -1, &retry_ms);
        assert_in_range(retry_ms, 1000, 16000);
        assert_int_equal(json_integer_value(json_object_get(data, "reconnect")), retry_ms);
        json_decref(data);
        close_fixture(&f);
    }
}

static void test_what_waits_is_delivered_before_the_end(void **state)
{
    static const struct {
        enum sse_close_reason reason;
        size_t events;
    } kept[] = {{SSE_CLOSE_CLIENT, 3}, {SSE_CLOSE_LIFETIME, 2}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct event_stream stream;
        struct fixture f;

        open_fixture(&f);
        push(f.connection, "a", "1");
        push(f.connection, "b", "2");
        sse_connection_close(f.connection, kept[i].reason, NULL, -1);
        sse_connection_close(f.connection, SSE_CLOSE_KICKED, NULL, -1);
        recording_sink_drain(&f.sink, 7);
        event_stream_parse(&stream, buf_str(&f.sink.received), f.sink.received.length);
        assert_int_equal(stream.count, kept[i].events);
        assert_string_equal(stream.events[1].data, "2");
        event_stream_release(&stream);
        assert_true(f.sink.is_ended);
        assert_int_equal(f.sink.closes, 0);
        close_fixture(&f);
    }
}

static void test_gone_client_is_told_nothing(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    push(f.connection, "a", "1");
    sse_connection_close(f.connection, SSE_CLOSE_GONE, NULL, -1);
    assert_int_equal(f.sink.closes, 1);
    assert_int_equal(f.connection->queue.count, 0);
    assert_int_equal(f.env.service->queued_bytes, 0);
    close_fixture(&f);
}

static void test_gone_with_a_full_queue(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    for (unsigned i = 0; i < 100; i++)
        push(f.connection, "a", "1");
    sse_env_leave(&f.sink);
    assert_int_equal(f.sink.closes, 0);
    assert_int_equal(f.env.service->counters.connections_closed[SSE_CLOSE_GONE], 1);
    close_fixture(&f);
}

static void test_idle_holds_no_queue_memory(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    for (unsigned i = 0; i < 50; i++)
        push(f.connection, "a", "1");
    assert_non_null(f.connection->queue.ring);
    recording_sink_drain(&f.sink, 0);
    assert_null(f.connection->queue.ring);
    close_fixture(&f);
}

static void test_listeners(void **state)
{
    static const char *const names[] = {"price", "bell", "", "a\nb", "chat", "price"};
    static const char *const removed[] = {"bell", "unknown"};
    struct fixture f;
    json_t *listeners;
    json_t *expected = json_pack("[s, s]", "price", "chat");

    (void)state;
    open_fixture(&f);
    sse_connection_add_names(f.connection, SSE_GROUP_LISTENER, names, 6);
    assert_true(sse_connection_has_name(f.connection, SSE_GROUP_LISTENER, "bell"));
    sse_connection_remove_names(f.connection, SSE_GROUP_LISTENER, removed, 2);
    assert_false(sse_connection_has_name(f.connection, SSE_GROUP_LISTENER, "bell"));
    listeners = sse_connection_names(f.connection, SSE_GROUP_LISTENER);
    assert_true(json_equal(listeners, expected));
    json_decref(listeners);
    json_decref(expected);
    close_fixture(&f);
}

static void test_listener_flood(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    for (unsigned i = 0; i < 1000; i++) {
        char name[200];
        const char *const names[] = {name};

        snprintf(name, sizeof(name), "%0*u", i % 2 ? 10 : 129, i);
        sse_connection_add_names(f.connection, SSE_GROUP_LISTENER, names, 1);
    }
    assert_int_equal(sse_registry_name_count(f.connection, SSE_GROUP_LISTENER), 100);
    assert_int_equal(sse_registry_group_count(f.env.service->registry, SSE_GROUP_LISTENER), 100);
    close_fixture(&f);
}

/* Takes all from within wake; the next push must wake again. */
static void test_eager_sink(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    f.sink.is_eager = true;
    assert_true(push(f.connection, "a", "1"));
    assert_true(push(f.connection, "a", "2"));
    assert_int_equal(f.sink.wakes, 2);
    sse_connection_close(f.connection, SSE_CLOSE_KICKED, NULL, -1);
    assert_true(f.sink.is_ended);
    close_fixture(&f);
}

static void close_in_wake(struct recording_sink *sink)
{
    sse_connection_close(sink->connection, SSE_CLOSE_LIFETIME, NULL, -1);
}

static void leave_in_wake(struct recording_sink *sink)
{
    struct sse_connection *connection = sink->connection;

    sink->connection = NULL;
    if (connection)
        sse_connection_gone(connection);
}

static void test_sink_that_closes_in_wake(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    f.sink.on_wake = close_in_wake;
    assert_true(push(f.connection, "a", "1"));
    assert_null(f.connection->service);
    assert_received(&f.sink, "a=1 ");
    close_fixture(&f);
}

static void test_sink_that_leaves_in_wake(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    f.sink.on_wake = leave_in_wake;
    assert_true(push(f.connection, "a", "1"));
    assert_null(f.sink.connection);
    close_fixture(&f);

    open_fixture(&f);
    f.sink.on_wake = leave_in_wake;
    sse_connection_close(f.connection, SSE_CLOSE_DRAIN, NULL, -1);
    assert_null(f.sink.connection);
    close_fixture(&f);
}

static void test_comment_after_silence(void **state)
{
    struct sse_env env;
    struct recording_sink sink = {.is_eager = true};

    (void)state;
    sse_env_open(&env);
    env.settings.comment_ms = 25000;
    sse_env_settle(&env, &sink, &ann);
    fake_loop_advance(env.loop, 21000);
    assert_int_equal(sink.received.length, 0);
    push(sink.connection, "a", "1");
    buf_clear(&sink.received);
    fake_loop_advance(env.loop, 21000);
    assert_int_equal(sink.received.length, 0);
    fake_loop_advance(env.loop, 4000);
    assert_string_equal(buf_str(&sink.received), ":\n");
    assert_int_equal(env.service->counters.comments, 1);
    buf_clear(&sink.received);
    fake_loop_advance(env.loop, 250000);
    assert_in_range(env.service->counters.comments, 1 + 9, 1 + 12);
    assert_int_equal(sink.connection->message_count, 1);
    sse_env_leave(&sink);
    sse_env_close(&env);
}

/* A client that reads nothing is not sent a comment on top of what waits. */
static void test_no_comment_behind_what_waits(void **state)
{
    struct sse_env env;
    struct recording_sink sink = {0};

    (void)state;
    sse_env_open(&env);
    env.settings.comment_ms = 25000;
    sse_env_connect(&env, &sink, &ann);
    fake_loop_advance(env.loop, 1000000);
    assert_int_equal(env.service->counters.comments, 0);
    assert_int_equal(sink.connection->queue.count, 1);
    sse_env_leave(&sink);
    sse_env_close(&env);
}

static void assert_life_by(bool honors, int64_t setting_ms, int64_t asked_ms, uint64_t least_ms,
                           uint64_t most_ms)
{
    struct sse_guest guest = {.user = "ann", .keepalive_time_ms = asked_ms};
    struct sse_env env;
    struct recording_sink sink = {0};
    uint64_t life_ms;

    sse_env_open(&env);
    env.settings.lifetime_ms = setting_ms;
    env.settings.honors_keepalive = honors;
    env.settings.comment_ms = 25000;
    sse_env_settle(&env, &sink, &guest);
    life_ms = sink.connection->ends_at - sink.connection->created_at;
    assert_in_range(life_ms, least_ms, most_ms);
    fake_loop_advance(env.loop, life_ms - 1);
    assert_non_null(sink.connection->service);
    fake_loop_advance(env.loop, 1);
    assert_null(sink.connection->service);
    assert_int_equal(env.service->counters.connections_closed[SSE_CLOSE_LIFETIME], 1);
    sse_env_leave(&sink);
    sse_env_close(&env);
}

static void assert_life(int64_t setting_ms, int64_t asked_ms, uint64_t least_ms, uint64_t most_ms)
{
    assert_life_by(false, setting_ms, asked_ms, least_ms, most_ms);
}

static void test_lifetime_that_the_page_may_shorten(void **state)
{
    (void)state;
    assert_life_by(true, 3600000, 900000, 900000, 900000);
    assert_life_by(true, 3600000, 1, 60000, 60000);
    assert_life_by(true, 0, 1, 60000, 60000);
    assert_life_by(true, 3600000, 86400000, 2880000, 3600000);
    assert_life_by(true, 30000, 900000, 24000, 30000);
    assert_life_by(true, 30000, 1, 24000, 30000);
    assert_life_by(true, 3600000, 0, 2880000, 3600000);
    assert_life_by(true, 3600000, -1, 2880000, 3600000);
}

static void test_lifetime(void **state)
{
    (void)state;
    assert_life(100000, -1, 80000, 100000);
    assert_life(100000, 5, 80000, 100000);
    assert_life(0, 900000, 900000, 900000);
    assert_life(0, 1, 1, 1);
}

static void test_no_end_of_life(void **state)
{
    static const int64_t asked[] = {-1, 0, INT64_MAX, INT64_MIN};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct sse_guest guest = {.user = "ann", .keepalive_time_ms = asked[i]};
        struct sse_env env;
        struct recording_sink sink = {0};

        sse_env_open(&env);
        sse_env_settle(&env, &sink, &guest);
        fake_loop_advance(env.loop, UINT64_C(365) * 24 * 3600 * 1000);
        assert_non_null(sink.connection->service);
        sse_env_leave(&sink);
        sse_env_close(&env);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connect_finish),
        cmocka_unit_test(test_connect_finish_says_how_long_it_lives),
        cmocka_unit_test(test_connect_finish_asks_for_acknowledgements),
        cmocka_unit_test(test_padding),
        cmocka_unit_test(test_push_wakes_once),
        cmocka_unit_test(test_connect_close_by_reason),
        cmocka_unit_test(test_last_words_to_who_hears_no_reasons),
        cmocka_unit_test(test_drain_spreads_the_return),
        cmocka_unit_test(test_what_waits_is_delivered_before_the_end),
        cmocka_unit_test(test_gone_client_is_told_nothing),
        cmocka_unit_test(test_gone_with_a_full_queue),
        cmocka_unit_test(test_idle_holds_no_queue_memory),
        cmocka_unit_test(test_listeners),
        cmocka_unit_test(test_listener_flood),
        cmocka_unit_test(test_eager_sink),
        cmocka_unit_test(test_sink_that_closes_in_wake),
        cmocka_unit_test(test_sink_that_leaves_in_wake),
        cmocka_unit_test(test_comment_after_silence),
        cmocka_unit_test(test_no_comment_behind_what_waits),
        cmocka_unit_test(test_lifetime),
        cmocka_unit_test(test_lifetime_that_the_page_may_shorten),
        cmocka_unit_test(test_no_end_of_life),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
