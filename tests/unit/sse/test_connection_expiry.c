/* SPDX-License-Identifier: Apache-2.0 */
/* What a connection does about the end of its user's credential. */
#include <string.h>

#include "sse/connection.h"
#include "sse/registry.h"
#include "support/event_stream.h"
#include "support/sse_env.h"
#include "support/test.h"

#define HOUR   3600000
#define MINUTE 60000

static const struct sse_guest ann = {
    .user = "ann", .token = "first", .channel = "news", .expires_in_ms = HOUR};

struct fixture {
    struct sse_env env;
    struct recording_sink sink;
    struct sse_connection *connection;
};

static void open_fixture(struct fixture *f, const struct sse_guest *guest)
{
    *f = (struct fixture){.sink.is_eager = true};
    sse_env_open(&f->env);
    f->connection = sse_env_settle(&f->env, &f->sink, guest);
}

static void close_fixture(struct fixture *f)
{
    sse_env_leave(&f->sink);
    sse_env_close(&f->env);
}

static void refresh(struct fixture *f, const char *token, int64_t expires_in_ms)
{
    struct sse_user *user = sse_user_new(&(struct sse_user_fields){
        .id = "ann",
        .access_token = token,
        .expires_at = expires_in_ms ? loop_wall_ms(f->env.loop) + expires_in_ms : 0});

    sse_connection_set_user(f->connection, user);
    sse_user_unref(user);
}

/* The one event that came since the last look, and that it has these data. */
static void assert_event(struct fixture *f, const char *name, json_t *expected)
{
    struct event_stream stream;
    char id[SSE_CONNECTION_ID_SIZE];
    json_t *data;

    event_stream_parse(&stream, buf_str(&f->sink.received), f->sink.received.length);
    assert_int_equal(stream.count, 1);
    assert_string_equal(stream.events[0].name, name);
    data = json_loads(stream.events[0].data, 0, NULL);
    sse_connection_id_write(f->connection, id);
    json_object_set_new(expected, "connectionId", json_string(id));
    assert_true(json_equal(data, expected));
    json_decref(data);
    json_decref(expected);
    event_stream_release(&stream);
    buf_clear(&f->sink.received);
}

static void assert_notice(struct fixture *f, int expires_in_s)
{
    assert_event(f, "sse-token-expiring",
                 json_pack("{s:I, s:i}", "expiresAt", (json_int_t)f->connection->user->expires_at,
                           "expiresIn", expires_in_s));
}

static void assert_silence(const struct fixture *f)
{
    assert_int_equal(f->sink.received.length, 0);
    assert_non_null(f->connection->service);
}

static void assert_expired(struct fixture *f)
{
    assert_null(f->connection->service);
    assert_true(f->sink.is_ended);
    assert_int_equal(f->env.service->counters.connections_closed[SSE_CLOSE_EXPIRED], 1);
    assert_event(f, "connect-close",
                 json_pack("{s:s, s:i}", "reason", "expired", "reconnect", 5000));
}

static void test_notice_and_end(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f, &ann);
    fake_loop_advance(f.env.loop, HOUR - MINUTE - 1);
    assert_silence(&f);
    fake_loop_advance(f.env.loop, 1);
    assert_notice(&f, 60);
    assert_int_equal(f.env.service->counters.expiry_notices, 1);
    fake_loop_advance(f.env.loop, MINUTE - 1);
    assert_silence(&f);
    fake_loop_advance(f.env.loop, 1);
    assert_expired(&f);
    close_fixture(&f);
}

static void test_without_notice(void **state)
{
    struct fixture f = {0};

    (void)state;
    sse_env_open(&f.env);
    f.sink.is_eager = true;
    f.env.settings.token_expiry_notice_ms = 0;
    f.connection = sse_env_settle(&f.env, &f.sink, &ann);
    fake_loop_advance(f.env.loop, HOUR - 1);
    assert_silence(&f);
    fake_loop_advance(f.env.loop, 1);
    assert_expired(&f);
    close_fixture(&f);
}

static void test_refresh(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f, &ann);
    fake_loop_advance(f.env.loop, HOUR - 1000);
    assert_notice(&f, 60);
    refresh(&f, "second", HOUR);
    assert_null(sse_registry_group(f.env.service->registry, SSE_GROUP_TOKEN, "first"));
    assert_non_null(sse_registry_group(f.env.service->registry, SSE_GROUP_TOKEN, "second"));
    assert_true(sse_connection_has_name(f.connection, SSE_GROUP_CHANNEL, "news"));
    assert_string_equal(f.connection->user->access_token, "second");
    fake_loop_advance(f.env.loop, HOUR - MINUTE - 1);
    assert_silence(&f);
    fake_loop_advance(f.env.loop, 1);
    assert_notice(&f, 60);
    refresh(&f, "third", 0);
    fake_loop_advance(f.env.loop, 10 * HOUR);
    assert_silence(&f);
    assert_int_equal(f.env.service->counters.users_refreshed, 2);
    close_fixture(&f);
}

/* Refreshed at the last moment before a comment is due, and still it comes. */
static void test_refresh_and_comments(void **state)
{
    struct fixture f = {0};

    (void)state;
    sse_env_open(&f.env);
    f.sink.is_eager = true;
    f.env.settings.comment_ms = 25000;
    f.connection = sse_env_settle(&f.env, &f.sink, &ann);
    for (unsigned i = 0; i < 100; i++) {
        fake_loop_advance(f.env.loop, 20000);
        refresh(&f, "again", 10 * HOUR);
    }
    assert_in_range(f.env.service->counters.comments, 40, 100);
    close_fixture(&f);
}

static void test_short_lives(void **state)
{
    struct sse_guest brief = {.user = "ann", .expires_in_ms = 10000};
    struct fixture f;

    (void)state;
    open_fixture(&f, &brief);
    fake_loop_advance(f.env.loop, 1000);
    assert_notice(&f, 9);
    fake_loop_advance(f.env.loop, 9000);
    assert_expired(&f);
    close_fixture(&f);

    /* Let in although its time is over: half a minute from that on. */
    brief.expires_in_ms = -5000;
    open_fixture(&f, &brief);
    fake_loop_advance(f.env.loop, 24999);
    buf_clear(&f.sink.received);
    assert_non_null(f.connection->service);
    fake_loop_advance(f.env.loop, 1);
    assert_expired(&f);
    close_fixture(&f);
}

static void test_clock_is_set(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f, &ann);
    fake_loop_advance(f.env.loop, MINUTE);
    f.env.loop->wall_offset_ms = -24 * HOUR;
    fake_loop_advance(f.env.loop, 2 * HOUR);
    assert_silence(&f);
    f.env.loop->wall_offset_ms = 24 * HOUR;
    fake_loop_advance(f.env.loop, 30000);
    assert_expired(&f);
    close_fixture(&f);
}

static void test_refresh_after_the_end(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f, &ann);
    sse_connection_close(f.connection, SSE_CLOSE_KICKED, NULL, -1);
    refresh(&f, "late", HOUR);
    assert_string_equal(f.connection->user->access_token, "first");
    assert_int_equal(f.env.service->counters.users_refreshed, 0);
    close_fixture(&f);
}

/* A notice that finds no room ends a slow client as any event would. */
static void test_notice_to_the_slow(void **state)
{
    struct fixture f = {0};

    (void)state;
    sse_env_open(&f.env);
    f.env.settings.queue_events = 1;
    f.connection = sse_env_connect(&f.env, &f.sink, &ann);
    fake_loop_advance(f.env.loop, HOUR);
    assert_null(f.connection->service);
    assert_int_equal(f.env.service->counters.connections_closed[SSE_CLOSE_SLOW], 1);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_notice_and_end),
        cmocka_unit_test(test_without_notice),
        cmocka_unit_test(test_refresh),
        cmocka_unit_test(test_refresh_and_comments),
        cmocka_unit_test(test_short_lives),
        cmocka_unit_test(test_clock_is_set),
        cmocka_unit_test(test_refresh_after_the_end),
        cmocka_unit_test(test_notice_to_the_slow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
