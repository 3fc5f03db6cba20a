/* SPDX-License-Identifier: Apache-2.0 */
/* The channels of a connection. */
#include <stdio.h>
#include <string.h>

#include "sse/connection.h"
#include "sse/registry.h"
#include "support/sse_env.h"
#include "support/test.h"

static const struct sse_guest ann = {.user = "ann", .channel = "news"};

struct fixture {
    struct sse_env env;
    struct recording_sink sink;
    struct sse_connection *connection;
};

static void open_fixture(struct fixture *f)
{
    *f = (struct fixture){0};
    sse_env_open(&f->env);
    f->connection = sse_env_settle(&f->env, &f->sink, &ann);
}

static void close_fixture(struct fixture *f)
{
    sse_env_leave(&f->sink);
    sse_env_close(&f->env);
}

static void assert_channels(const struct fixture *f, json_t *expected)
{
    json_t *channels = sse_connection_names(f->connection, SSE_GROUP_CHANNEL);

    assert_true(json_equal(channels, expected));
    json_decref(channels);
    json_decref(expected);
}

static void test_subscribe(void **state)
{
    static const char *const more[] = {"chat", "", "a\nb", "a,b", "chat", "news"};
    static const char *const fewer[] = {"news", "never had"};
    struct fixture f;

    (void)state;
    open_fixture(&f);
    assert_channels(&f, json_pack("[s]", "news"));
    sse_connection_add_names(f.connection, SSE_GROUP_CHANNEL, more, 6);
    assert_channels(&f, json_pack("[s, s, s]", "news", "chat", "a,b"));
    sse_connection_remove_names(f.connection, SSE_GROUP_CHANNEL, fewer, 2);
    assert_channels(&f, json_pack("[s, s]", "chat", "a,b"));
    assert_true(sse_connection_has_name(f.connection, SSE_GROUP_CHANNEL, "chat"));
    assert_false(sse_connection_has_name(f.connection, SSE_GROUP_CHANNEL, "news"));
    assert_false(sse_connection_has_name(f.connection, SSE_GROUP_LISTENER, "chat"));
    close_fixture(&f);
}

static void test_flood(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    for (unsigned i = 0; i < 1000; i++) {
        char name[200];
        const char *const names[] = {name};

        snprintf(name, sizeof(name), "%0*u", i % 2 ? 10 : 129, i);
        sse_connection_add_names(f.connection, SSE_GROUP_CHANNEL, names, 1);
    }
    assert_int_equal(sse_registry_name_count(f.connection, SSE_GROUP_CHANNEL), 100);
    assert_int_equal(sse_registry_group_count(f.env.service->registry, SSE_GROUP_CHANNEL), 100);
    close_fixture(&f);
}

/* What it had can be told, and nothing changes any more. */
static void test_after_the_end(void **state)
{
    static const char *const other[] = {"chat"}, *const own[] = {"news"};
    struct fixture f;

    (void)state;
    open_fixture(&f);
    sse_connection_close(f.connection, SSE_CLOSE_KICKED, NULL, -1);
    sse_connection_add_names(f.connection, SSE_GROUP_CHANNEL, other, 1);
    sse_connection_remove_names(f.connection, SSE_GROUP_CHANNEL, own, 1);
    assert_channels(&f, json_pack("[s]", "news"));
    assert_int_equal(sse_registry_group_count(f.env.service->registry, SSE_GROUP_CHANNEL), 0);
    close_fixture(&f);
}

struct witness {
    struct sse_observer observer;
    char seen[64];
};

static void note_channel(struct sse_observer *observer, struct sse_connection *connection,
                         const char *channel, bool after)
{
    struct witness *witness = container_of(observer, struct witness, observer);
    const size_t length = strlen(witness->seen);

    (void)connection;
    snprintf(witness->seen + length, sizeof(witness->seen) - length, "%c%s ", after ? '+' : '-',
             channel);
}

/* Not of those that a connection begins with: on_connect tells of these. */
static void test_observers_hear_of_channels(void **state)
{
    static const char *const more[] = {"chat", "chat", "news", "a\nb"};
    static const char *const fewer[] = {"news", "never had"};
    struct witness witness = {.observer.on_channel = note_channel};
    struct recording_sink sink = {0};
    struct fixture f;

    (void)state;
    open_fixture(&f);
    list_append(&f.env.service->observers, &witness.observer.node);
    sse_connection_add_names(f.connection, SSE_GROUP_CHANNEL, more, 4);
    sse_connection_remove_names(f.connection, SSE_GROUP_CHANNEL, fewer, 2);
    (void)sse_env_settle(&f.env, &sink, &ann);
    assert_string_equal(witness.seen, "+chat -news ");
    sse_env_leave(&sink);
    list_remove(&witness.observer.node);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_subscribe),
        cmocka_unit_test(test_flood),
        cmocka_unit_test(test_after_the_end),
        cmocka_unit_test(test_observers_hear_of_channels),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
