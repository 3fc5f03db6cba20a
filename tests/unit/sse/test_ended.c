/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that have ended, and what their pages still say. */
#include <stdio.h>

#include "sse/ended.h"
#include "sse/registry.h"
#include "support/connection_fixture.h"
#include "support/sse_env.h"
#include "support/test.h"

#define REMEMBERED_MS 5000u

/* Hears last words. */
struct listener {
    struct sse_observer observer;
    unsigned count;
    char text[32];
    int64_t session_duration;
};

static void on_last_words(struct sse_observer *observer, struct sse_connection *connection,
                          const char *text)
{
    struct listener *listener = container_of(observer, struct listener, observer);

    listener->count++;
    snprintf(listener->text, sizeof(listener->text), "%s", text ? text : "-");
    listener->session_duration = connection->session_duration;
}

struct ended_env {
    struct sse_env env;
    struct listener listener;
};

static void open_env(struct ended_env *ended, uint32_t most)
{
    *ended = (struct ended_env){.listener.observer.on_last_words = on_last_words};
    sse_env_open(&ended->env);
    ended->env.settings.last_words_ms = REMEMBERED_MS;
    ended->env.settings.last_words_connections = most;
    list_append(&ended->env.service->observers, &ended->listener.observer.node);
}

/* Somebody was here; id is then that of the connection. */
static void visit(struct ended_env *ended, enum sse_close_reason reason,
                  char id[SSE_CONNECTION_ID_SIZE])
{
    struct recording_sink sink = {0};

    sse_env_settle(&ended->env, &sink, &ann);
    sse_connection_id_write(sink.connection, id);
    sse_connection_close(sink.connection, reason, NULL, -1);
    sse_env_leave(&sink);
}

static struct sse_connection *find(const struct ended_env *ended, const char *id)
{
    return sse_ended_find_own(ended->env.service->ended, id);
}

static void test_whole_while_it_is_remembered(void **state)
{
    struct ended_env ended;
    struct sse_connection *connection;
    char id[SSE_CONNECTION_ID_SIZE];

    (void)state;
    open_env(&ended, 10);
    visit(&ended, SSE_CLOSE_GONE, id);
    connection = find(&ended, id);
    assert_non_null(connection);
    assert_string_equal(connection->user->id, "ann");
    assert_int_equal(sse_registry_name_count(connection, SSE_GROUP_LISTENER), 1);
    assert_null(sse_registry_find_own(ended.env.service->registry, id));
    id[SSE_HANDLE_SIZE - 1] = '\0';
    assert_null(find(&ended, id));
    sse_env_close(&ended.env);
}

static void test_forgotten_by_age(void **state)
{
    struct ended_env ended;
    char id[SSE_CONNECTION_ID_SIZE];

    (void)state;
    open_env(&ended, 10);
    visit(&ended, SSE_CLOSE_KICKED, id);
    fake_loop_advance(ended.env.loop, REMEMBERED_MS - 100);
    assert_non_null(find(&ended, id));
    fake_loop_advance(ended.env.loop, 1100);
    assert_null(find(&ended, id));
    assert_int_equal(sse_ended_count(ended.env.service->ended), 0);
    assert_int_equal(sse_ended_displaced(ended.env.service->ended), 0);
    sse_env_close(&ended.env);
}

static void test_forgotten_by_number(void **state)
{
    struct ended_env ended;
    char ids[3][SSE_CONNECTION_ID_SIZE];

    (void)state;
    open_env(&ended, 2);
    for (size_t i = 0; i < 3; i++)
        visit(&ended, SSE_CLOSE_GONE, ids[i]);
    assert_null(find(&ended, ids[0]));
    assert_non_null(find(&ended, ids[1]));
    assert_non_null(find(&ended, ids[2]));
    assert_int_equal(sse_ended_displaced(ended.env.service->ended), 1);
    sse_env_close(&ended.env);
}

/* Its last bytes are still leaving when it is forgotten: its sink frees it. */
static void test_forgotten_before_its_sink_has_gone(void **state)
{
    struct ended_env ended;
    struct recording_sink sink = {0};

    (void)state;
    open_env(&ended, 10);
    sse_env_connect(&ended.env, &sink, &ann);
    sse_connection_close(sink.connection, SSE_CLOSE_KICKED, NULL, -1);
    fake_loop_advance(ended.env.loop, REMEMBERED_MS + 1000);
    assert_int_equal(sse_ended_count(ended.env.service->ended), 0);
    recording_sink_drain(&sink, 0);
    assert_true(sink.is_ended);
    sse_env_leave(&sink);
    sse_env_close(&ended.env);
}

static void test_last_words(void **state)
{
    struct ended_env ended;
    struct sse_connection *connection;
    char id[SSE_CONNECTION_ID_SIZE];

    (void)state;
    open_env(&ended, 10);
    visit(&ended, SSE_CLOSE_GONE, id);
    connection = find(&ended, id);
    assert_true(sse_connection_take_last_words(connection, "pagehide", 42));
    assert_int_equal(ended.listener.count, 1);
    assert_string_equal(ended.listener.text, "pagehide");
    assert_int_equal(ended.listener.session_duration, 42);
    assert_false(sse_connection_take_last_words(connection, "again", 43));
    visit(&ended, SSE_CLOSE_GONE, id);
    assert_true(sse_connection_take_last_words(find(&ended, id), NULL, -1));
    assert_string_equal(ended.listener.text, "-");
    assert_int_equal(ended.listener.count, 2);
    sse_env_close(&ended.env);
}

/* Only who ended without a word has one left. */
static void test_no_last_words(void **state)
{
    struct ended_env ended;
    struct recording_sink sink = {0};
    char id[SSE_CONNECTION_ID_SIZE];

    (void)state;
    open_env(&ended, 10);
    for (int reason = 0; reason < SSE_CLOSE_REASONS; reason++) {
        if (reason == SSE_CLOSE_GONE)
            continue;
        visit(&ended, (enum sse_close_reason)reason, id);
        assert_false(sse_connection_take_last_words(find(&ended, id), "mine", 1));
    }
    sse_env_settle(&ended.env, &sink, &ann);
    assert_false(sse_connection_take_last_words(sink.connection, "mine", 1));
    assert_int_equal(ended.listener.count, 0);
    sse_env_leave(&sink);
    sse_env_close(&ended.env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_while_it_is_remembered),
        cmocka_unit_test(test_forgotten_by_age),
        cmocka_unit_test(test_forgotten_by_number),
        cmocka_unit_test(test_forgotten_before_its_sink_has_gone),
        cmocka_unit_test(test_last_words),
        cmocka_unit_test(test_no_last_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
