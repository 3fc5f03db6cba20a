/* SPDX-License-Identifier: Apache-2.0 */
/* What a connection does when its client reads too slowly. */
#include <string.h>

#include "sse/connection.h"
#include "sse/dispatch.h"
#include "sse/registry.h"
#include "sse/target.h"
#include "support/connection_fixture.h"
#include "support/event_stream.h"
#include "support/sse_env.h"
#include "support/test.h"

static void test_slow_is_disconnected(void **state)
{
    struct fixture f;
    char part[8];

    (void)state;
    open_fixture(&f);
    f.env.settings.queue_events = 10;
    for (unsigned i = 0; i < 10; i++)
        assert_true(push(f.connection, "a", "12345"));
    sse_connection_take(f.connection, part, sizeof(part));
    assert_false(push(f.connection, "a", "one more"));
    assert_null(f.connection->service);
    assert_int_equal(f.connection->queue.count, 2); /* what has begun, and connect-close */
    assert_int_equal(f.env.service->counters.slow_disconnects, 1);
    assert_int_equal(f.env.service->counters.events_dropped_slow, 10);
    assert_int_equal(f.env.service->counters.connections_closed[SSE_CLOSE_SLOW], 1);
    assert_int_equal(sse_registry_all(f.env.service->registry)->count, 0);
    close_fixture(&f);
}

/* What a kick makes of a connection that ended for the reason; its page has read so many bytes
 * since. */
static void kick_later(enum sse_close_reason reason, bool is_plain, size_t read,
                       const char *expected)
{
    const struct sse_guest guest = {.user = "ann", .is_plain = is_plain};
    char *values[] = {(char[]){"ann"}};
    const struct sse_target target = {.dimension = SSE_BY_USER, .values = values, .count = 1};
    struct sse_dispatch_job job = {
        .target = &target, .reason = SSE_CLOSE_KICKED, .text = "go", .reconnect_ms = -1};
    struct recording_sink sink = {0};
    struct sse_env env;
    char part[512];

    sse_env_open(&env);
    env.settings.last_words_ms = 5000;
    sse_env_settle(&env, &sink, &guest);
    assert_true(push(sink.connection, "a", "1"));
    sse_connection_take(sink.connection, part, 1);
    sse_connection_close(sink.connection, reason, NULL, -1);
    if (read > 0)
        sse_connection_take(sink.connection, part,
                            read < sink.connection->queue.bytes ? read
                                                                : sink.connection->queue.bytes);
    sse_dispatch_submit(env.service->dispatch, &job);
    assert_int_equal(job.count, expected ? 1 : 0);
    recording_sink_drain(&sink, 0);
    if (expected)
        assert_non_null(strstr(buf_str(&sink.received), expected));
    assert_true(!expected || !strstr(buf_str(&sink.received), "retry:"));
    sse_env_leave(&sink);
    assert_int_equal(env.service->queued_bytes, 0);
    sse_env_close(&env);
}

static void test_kick_reaches_who_was_to_come_back(void **state)
{
    static const enum sse_close_reason reasons[] = {SSE_CLOSE_SLOW, SSE_CLOSE_LIFETIME,
                                                    SSE_CLOSE_DRAIN, SSE_CLOSE_EXPIRED};
    const char expected[] = "\"reason\":\"go\",\"reconnect\":false}";

    (void)state;
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        for (int is_plain = 0; is_plain < 2; is_plain++)
            kick_later(reasons[i], is_plain, 0, expected);
        kick_later(reasons[i], false, SIZE_MAX, NULL); /* it has left */
    }
    kick_later(SSE_CLOSE_SLOW, true, strlen("event:a\ndata:1\n\n"), NULL); /* has begun to */
    kick_later(SSE_CLOSE_EVICTED, true, 0, NULL);                          /* stays away already */
    kick_later(SSE_CLOSE_CLIENT, true, 0, NULL);
}

static void test_bound_in_bytes(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    f.env.settings.queue_bytes = 3 * strlen("event:a\ndata:1\n\n");
    assert_true(push(f.connection, "a", "1"));
    assert_true(push(f.connection, "a", "2"));
    assert_true(push(f.connection, "a", "3"));
    assert_false(push(f.connection, "a", "4"));
    assert_null(f.connection->service);
    close_fixture(&f);
}

static void test_event_beyond_the_whole_bound_is_refused(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    f.env.settings.queue_bytes = 10;
    assert_false(push(f.connection, "a", "1234567890"));
    assert_non_null(f.connection->service);
    assert_int_equal(f.env.service->counters.events_refused, 1);
    assert_int_equal(f.sink.wakes, 1);
    assert_received(&f.sink, "sse-gap={\"reason\":\"slow\",\"dropped\":1} ");
    fake_loop_turn(f.env.loop);
    assert_null(f.connection->backlog);
    assert_int_equal(f.env.service->counters.slow_disconnects, 0);
    close_fixture(&f);
}

static void test_drop_oldest(void **state)
{
    struct fixture f;
    char part[3];

    (void)state;
    open_fixture(&f);
    f.env.settings.slow_policy = SSE_SLOW_DROP_OLDEST;
    f.env.settings.queue_events = 3;
    push(f.connection, "a", "1");
    sse_connection_take(f.connection, part, sizeof(part));
    buf_append(&f.sink.received, part, sizeof(part));
    for (const char *data = "2345"; *data; data++)
        assert_true(push(f.connection, "a", (char[]){*data, '\0'}));
    assert_int_equal(f.env.service->counters.events_dropped_oldest, 3);
    assert_int_equal(f.env.service->queued_bytes, f.connection->queue.bytes);
    assert_received(&f.sink, "a=1 sse-gap={\"reason\":\"slow\",\"dropped\":3} a=5 ");
    close_fixture(&f);
}

static void test_drop_oldest_finds_no_room(void **state)
{
    struct fixture f;
    char part[3];

    (void)state;
    open_fixture(&f);
    f.env.settings.slow_policy = SSE_SLOW_DROP_OLDEST;
    f.env.settings.queue_events = 1;
    push(f.connection, "a", "1");
    sse_connection_take(f.connection, part, sizeof(part));
    assert_false(push(f.connection, "a", "2"));
    assert_non_null(f.connection->service);
    assert_int_equal(f.env.service->counters.events_dropped_oldest, 1);
    close_fixture(&f);
}

static void test_latest(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    f.env.settings.slow_policy = SSE_SLOW_LATEST;
    f.env.settings.queue_events = 4;
    push(f.connection, "price", "1");
    push(f.connection, "bell", "1");
    push(f.connection, "price", "2");
    push(f.connection, "chat", "1");
    assert_true(push(f.connection, "price", "3"));
    assert_int_equal(f.env.service->counters.events_dropped_latest, 2);
    assert_true(push(f.connection, "more", "1"));
    assert_true(push(f.connection, "most", "1"));
    assert_int_equal(f.env.service->counters.events_dropped_oldest, 1);
    assert_received(&f.sink,
                    "sse-gap={\"reason\":\"slow\",\"dropped\":1} chat=1 price=3 more=1 most=1 ");
    close_fixture(&f);
}

/* The page is told how many it misses, before it gets what came later. */
static void test_what_was_dropped_is_told(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    f.env.settings.slow_policy = SSE_SLOW_DROP_OLDEST;
    f.env.settings.queue_events = 4;
    for (const char *data = "123456"; *data; data++)
        push(f.connection, "a", (char[]){*data, '\0'});
    assert_int_equal(f.env.service->queued_bytes, f.connection->queue.bytes);
    recording_sink_drain(&f.sink, 0);
    fake_loop_turn(f.env.loop);
    assert_null(f.connection->backlog);
    push(f.connection, "a", "7");
    assert_received(&f.sink, "sse-gap={\"reason\":\"slow\",\"dropped\":3} a=4 a=5 a=6 a=7 ");
    assert_int_equal(f.env.service->counters.gaps, 1);
    assert_int_equal(f.env.service->counters.events_dropped_oldest, 3);
    close_fixture(&f);
}

/* What has been told is not told again. */
static void test_more_is_dropped_when_that_has_been_told(void **state)
{
    struct fixture f;
    char part[12];

    (void)state;
    open_fixture(&f);
    f.env.settings.slow_policy = SSE_SLOW_DROP_OLDEST;
    f.env.settings.queue_events = 4;
    for (const char *data = "12345"; *data; data++)
        push(f.connection, "a", (char[]){*data, '\0'});
    sse_connection_take(f.connection, part, sizeof(part));
    buf_append(&f.sink.received, part, sizeof(part));
    push(f.connection, "a", "6");
    assert_received(&f.sink, "sse-gap={\"reason\":\"slow\",\"dropped\":1} "
                             "sse-gap={\"reason\":\"slow\",\"dropped\":2} a=4 a=5 a=6 ");
    assert_int_equal(f.env.service->counters.gaps, 2);
    close_fixture(&f);
}

/* By design, only the newest of a name counts. */
static void test_latest_tells_nothing(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    f.env.settings.slow_policy = SSE_SLOW_LATEST;
    f.env.settings.queue_events = 2;
    for (const char *data = "123456"; *data; data++)
        push(f.connection, "a", (char[]){*data, '\0'});
    recording_sink_drain(&f.sink, 0);
    fake_loop_turn(f.env.loop);
    assert_received(&f.sink, "a=5 a=6 ");
    assert_int_equal(f.env.service->counters.gaps, 0);
    close_fixture(&f);
}

/* It will come again: nobody misses it. */
static void test_a_kept_event_finds_no_room(void **state)
{
    static const enum sse_slow_policy policies[] = {SSE_SLOW_DROP_OLDEST, SSE_SLOW_LATEST};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct sse_event *kept = sse_env_event("a", "kept");
        struct fixture f;

        open_fixture(&f);
        kept->is_kept = true;
        f.env.settings.slow_policy = policies[i];
        f.env.settings.queue_events = 2;
        push(f.connection, "b", "1");
        assert_true(sse_connection_push(f.connection, kept));
        assert_true(sse_connection_push(f.connection, kept));
        assert_int_equal(f.env.service->counters.events_dropped_oldest, 1);
        assert_false(sse_connection_push(f.connection, kept));
        assert_int_equal(f.env.service->counters.events_dropped_oldest, 1);
        assert_false(push(f.connection, "a", "2"));
        assert_int_equal(f.env.service->counters.events_dropped_oldest, 2);
        assert_received(&f.sink, "sse-gap={\"reason\":\"slow\",\"dropped\":2} a=kept a=kept ");
        sse_event_unref(kept);
        close_fixture(&f);
    }
}

/* A page that lost connect-finish would know neither its id nor when to come back. */
static void test_greeting_is_never_dropped(void **state)
{
    static const enum sse_slow_policy policies[] = {SSE_SLOW_DROP_OLDEST, SSE_SLOW_LATEST,
                                                    SSE_SLOW_DISCONNECT};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct sse_env env;
        struct recording_sink sink = {0};

        sse_env_open(&env);
        env.settings.slow_policy = policies[i];
        env.settings.queue_events = 3;
        sse_env_connect(&env, &sink, &ann);
        for (unsigned n = 0; n < 10; n++)
            push(sink.connection, "connect-finish", "forged");
        recording_sink_drain(&sink, 0);
        assert_non_null(strstr(buf_str(&sink.received), sink.connection->handle));
        assert_int_equal(strncmp(buf_str(&sink.received), "id:", 3), 0);
        sse_env_leave(&sink);
        sse_env_close(&env);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slow_is_disconnected),
        cmocka_unit_test(test_kick_reaches_who_was_to_come_back),
        cmocka_unit_test(test_bound_in_bytes),
        cmocka_unit_test(test_event_beyond_the_whole_bound_is_refused),
        cmocka_unit_test(test_drop_oldest),
        cmocka_unit_test(test_drop_oldest_finds_no_room),
        cmocka_unit_test(test_latest),
        cmocka_unit_test(test_what_was_dropped_is_told),
        cmocka_unit_test(test_more_is_dropped_when_that_has_been_told),
        cmocka_unit_test(test_latest_tells_nothing),
        cmocka_unit_test(test_a_kept_event_finds_no_room),
        cmocka_unit_test(test_greeting_is_never_dropped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
