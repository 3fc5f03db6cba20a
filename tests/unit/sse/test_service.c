/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "sse/registry.h"
#include "sse/service.h"
#include "support/sse_env.h"
#include "support/test.h"

/* Notes what it hears, and can do something about it. */
struct watcher {
    struct sse_observer observer;
    struct sse_env *env;
    struct sse_connection *other;    /* to be closed from within */
    struct recording_sink *newcomer; /* to be opened from within */
    bool is_closing;                 /* closes what it hears of */
    char told[512];
};

static void tell(struct watcher *watcher, const char *what, const struct sse_connection *connection)
{
    const size_t used = strlen(watcher->told);

    snprintf(watcher->told + used, sizeof(watcher->told) - used, "%s:%s ", what,
             connection->user->id);
}

static void meddle(struct watcher *watcher, struct sse_connection *connection)
{
    static const struct sse_guest guest = {.user = "newcomer"};
    struct sse_connection *other = watcher->other;
    struct recording_sink *newcomer = watcher->newcomer;

    watcher->other = NULL;
    watcher->newcomer = NULL;
    if (other)
        sse_connection_close(other, SSE_CLOSE_KICKED, NULL, -1);
    if (newcomer)
        sse_env_connect(watcher->env, newcomer, &guest);
    if (watcher->is_closing)
        sse_connection_close(connection, SSE_CLOSE_KICKED, NULL, -1);
}

static void on_connect(struct sse_observer *observer, struct sse_connection *connection)
{
    struct watcher *watcher = container_of(observer, struct watcher, observer);

    tell(watcher, "connect", connection);
    meddle(watcher, connection);
}

static void on_disconnect(struct sse_observer *observer, struct sse_connection *connection,
                          enum sse_close_reason reason, const char *text)
{
    struct watcher *watcher = container_of(observer, struct watcher, observer);

    tell(watcher, text ? text : sse_close_reason_words[reason], connection);
    meddle(watcher, connection);
}

static void on_listening(struct sse_observer *observer, struct sse_connection *connection,
                         const char *event, bool after)
{
    struct watcher *watcher = container_of(observer, struct watcher, observer);
    char what[64];

    snprintf(what, sizeof(what), "%c%s", after ? '+' : '-', event);
    tell(watcher, what, connection);
    meddle(watcher, connection);
}

static void watch(struct watcher *watcher, struct sse_env *env)
{
    *watcher = (struct watcher){
        .observer = {.on_connect = on_connect,
                     .on_disconnect = on_disconnect,
                     .on_listening = on_listening},
        .env = env,
    };
    list_append(&env->service->observers, &watcher->observer.node);
}

static const struct sse_guest ann = {.user = "ann", .listeners = {"bell"}};
static const struct sse_guest bob = {.user = "bob"};

static void test_observers_hear_of_everything(void **state)
{
    static const char *const names[] = {"chat", "bell", "news"};
    static struct sse_observer deaf;
    struct sse_env env;
    struct watcher watcher;
    struct recording_sink sink = {0};

    (void)state;
    sse_env_open(&env);
    list_append(&env.service->observers, &deaf.node);
    watch(&watcher, &env);
    sse_env_settle(&env, &sink, &ann);
    sse_connection_add_names(sink.connection, SSE_GROUP_LISTENER, names, 3);
    sse_connection_remove_names(sink.connection, SSE_GROUP_LISTENER, names, 1);
    sse_connection_close(sink.connection, SSE_CLOSE_KICKED, "fired", -1);
    sse_connection_add_names(sink.connection, SSE_GROUP_LISTENER, names, 1);
    sse_env_leave(&sink);
    assert_string_equal(watcher.told, "connect:ann +chat:ann +news:ann -chat:ann fired:ann ");
    list_remove(&deaf.node);
    sse_env_close(&env);
}

static void test_observer_closes_what_it_hears_of(void **state)
{
    struct sse_env env;
    struct watcher watcher;
    struct watcher second;
    struct recording_sink sink = {0};
    bool is_last;

    (void)state;
    sse_env_open(&env);
    watch(&watcher, &env);
    watch(&second, &env);
    watcher.is_closing = true;
    sse_env_connect(&env, &sink, &ann);
    assert_null(sink.connection->service);
    assert_int_equal(sse_registry_all(env.service->registry)->count, 0);
    assert_true(sse_connection_ready(sink.connection, &is_last) > 0);
    assert_true(is_last);
    assert_string_equal(watcher.told, "connect:ann kicked:ann ");
    assert_string_equal(second.told, "kicked:ann ");
    sse_env_leave(&sink);
    sse_env_close(&env);
}

static void test_observer_closes_while_listeners_are_added(void **state)
{
    static const char *const names[] = {"a", "b", "c"};
    struct sse_env env;
    struct watcher watcher;
    struct recording_sink sink = {0};

    (void)state;
    sse_env_open(&env);
    sse_env_settle(&env, &sink, &ann);
    watch(&watcher, &env);
    watcher.is_closing = true;
    sse_connection_add_names(sink.connection, SSE_GROUP_LISTENER, names, 3);
    assert_string_equal(watcher.told, "+a:ann kicked:ann ");
    assert_int_equal(sse_registry_name_count(sink.connection, SSE_GROUP_LISTENER), 2);
    sse_env_leave(&sink);
    sse_env_close(&env);
}

static void test_observer_opens_and_closes_others(void **state)
{
    struct sse_env env;
    struct watcher watcher;
    struct recording_sink one = {0};
    struct recording_sink two = {0};
    struct recording_sink newcomer = {0};

    (void)state;
    sse_env_open(&env);
    sse_env_settle(&env, &one, &ann);
    watch(&watcher, &env);
    watcher.other = one.connection;
    watcher.newcomer = &newcomer;
    sse_env_settle(&env, &two, &bob);
    assert_null(one.connection->service);
    assert_non_null(newcomer.connection->service);
    assert_int_equal(sse_registry_all(env.service->registry)->count, 2);
    watcher.other = newcomer.connection;
    sse_env_leave(&two);
    assert_int_equal(sse_registry_all(env.service->registry)->count, 0);
    assert_string_equal(watcher.told,
                        "connect:bob kicked:ann connect:newcomer gone:bob kicked:newcomer ");
    sse_env_leave(&one);
    sse_env_leave(&newcomer);
    sse_env_close(&env);
}

/* Observers that ask who is there are not told of one that leaves. */
static void count_user(struct sse_observer *observer, struct sse_connection *connection,
                       enum sse_close_reason reason, const char *text)
{
    const struct watcher *watcher = container_of(observer, struct watcher, observer);

    (void)reason;
    (void)text;
    assert_null(
        sse_registry_group(watcher->env->service->registry, SSE_GROUP_USER, connection->user->id));
    assert_true(sse_connection_has_name(connection, SSE_GROUP_LISTENER, "bell"));
}

static void test_last_one_is_out_when_observers_hear(void **state)
{
    struct sse_env env;
    struct watcher watcher;
    struct recording_sink sink = {0};

    (void)state;
    sse_env_open(&env);
    watch(&watcher, &env);
    watcher.observer.on_disconnect = count_user;
    sse_env_settle(&env, &sink, &ann);
    sse_env_leave(&sink);
    sse_env_close(&env);
}

static void test_counters(void **state)
{
    struct sse_env env;
    struct recording_sink sink = {0};

    (void)state;
    sse_env_open(&env);
    sse_env_connect(&env, &sink, &ann);
    assert_true(env.service->queued_bytes > 0);
    recording_sink_drain(&sink, 0);
    assert_int_equal(env.service->queued_bytes, 0);
    assert_int_equal(env.service->counters.bytes_sent, sink.received.length);
    assert_int_equal(env.service->counters.connections_opened, 1);
    sse_env_leave(&sink);
    sse_env_close(&env);
    sse_service_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_observers_hear_of_everything),
        cmocka_unit_test(test_observer_closes_what_it_hears_of),
        cmocka_unit_test(test_observer_closes_while_listeners_are_added),
        cmocka_unit_test(test_observer_opens_and_closes_others),
        cmocka_unit_test(test_last_one_is_out_when_observers_hear),
        cmocka_unit_test(test_counters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
