/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "sse/target.h"
#include "support/sse_env.h"
#include "support/test.h"

/* Two values: one that nobody has, and this one. */
static struct sse_target target_of(char *values[2], enum sse_dimension dimension, const char *value)
{
    values[0] = (char *)(uintptr_t) "nobody";
    values[1] = (char *)(uintptr_t)value;
    return (struct sse_target){.dimension = dimension, .values = values, .count = 2};
}

static bool selects_subject(const struct sse_subject *subject, enum sse_dimension dimension,
                            const char *value)
{
    char *values[2];
    const struct sse_target target = target_of(values, dimension, value);

    return sse_subject_is_selected(subject, &target);
}

static bool selects(const struct sse_connection *connection, enum sse_dimension dimension,
                    const char *value, const char *listening)
{
    char *values[2];
    struct sse_target target = target_of(values, dimension, value);

    target.listening = (char *)(uintptr_t)listening;
    return sse_connection_is_selected(connection, &target);
}

static void test_one_to_be_opened(void **state)
{
    static const char *const channels[] = {"news", "sport"};
    struct sse_user *user =
        sse_user_new(&(struct sse_user_fields){.id = "ann", .access_token = "tok"});
    struct sse_subject subject = {.user = user, .channels = channels, .channel_count = 2};

    (void)state;
    assert_true(selects_subject(&subject, SSE_BY_USER, "ann"));
    assert_false(selects_subject(&subject, SSE_BY_USER, "tok"));
    assert_true(selects_subject(&subject, SSE_BY_TOKEN, "tok"));
    assert_false(selects_subject(&subject, SSE_BY_TOKEN, "ann"));
    assert_true(selects_subject(&subject, SSE_BY_CHANNEL, "sport"));
    assert_false(selects_subject(&subject, SSE_BY_CHANNEL, "spor"));
    assert_false(selects_subject(&subject, SSE_BY_CONNECTION, "c1"));
    subject.connection_id = "c1";
    assert_true(selects_subject(&subject, SSE_BY_CONNECTION, "c1"));
    assert_true(selects_subject(&subject, SSE_ALL, ""));
    /* what it has none of */
    assert_false(selects_subject(&subject, SSE_BY_TENANT, ""));
    sse_user_unref(user);
}

static void test_an_open_connection(void **state)
{
    static const struct sse_guest ann = {"ann", "tok", "t",   "news", {"bell"},
                                         0,     0,     false, false,  0};
    struct recording_sink sink = {0};
    struct sse_env env;
    const struct sse_connection *connection;

    (void)state;
    sse_env_open(&env);
    connection = sse_env_settle(&env, &sink, &ann);
    assert_true(selects(connection, SSE_BY_USER, "ann", NULL));
    assert_true(selects(connection, SSE_BY_USER, "ann", "bell"));
    assert_false(selects(connection, SSE_BY_USER, "ann", "horn"));
    assert_true(selects(connection, SSE_BY_TOKEN, "tok", NULL));
    assert_true(selects(connection, SSE_BY_TENANT, "t", NULL));
    assert_false(selects(connection, SSE_BY_TENANT, "u", NULL));
    assert_true(selects(connection, SSE_BY_CHANNEL, "news", "bell"));
    assert_false(selects(connection, SSE_BY_CHANNEL, "sport", NULL));
    assert_true(selects(connection, SSE_BY_CONNECTION, connection->handle, NULL));
    assert_true(selects(connection, SSE_ALL, "", "bell"));
    assert_false(selects(connection, SSE_ALL, "", "horn"));
    sse_env_leave(&sink);
    sse_env_close(&env);
}

#define RED_42                                                                                     \
    "red\x1f"                                                                                      \
    "42"
#define BLUE_42                                                                                    \
    "blue\x1f"                                                                                     \
    "42"

static void test_a_user_in_a_tenant(void **state)
{
    static const struct sse_guest guest = {"42", "", "red", NULL, {NULL}, 0, 0, false, false, 0};
    struct recording_sink sink = {0};
    struct sse_env env;
    const struct sse_connection *connection;
    char *values[2];
    struct sse_target target;

    (void)state;
    sse_env_open(&env);
    connection = sse_env_settle(&env, &sink, &guest);
    assert_true(selects(connection, SSE_BY_USER, RED_42, NULL));
    assert_false(selects(connection, SSE_BY_USER, BLUE_42, NULL));
    target = target_of(values, SSE_BY_USER, RED_42);
    assert_string_equal(sse_connection_individual(connection, &target), RED_42);
    target = target_of(values, SSE_BY_USER, "42");
    assert_string_equal(sse_connection_individual(connection, &target), "42");
    sse_env_leave(&sink);
    sse_env_close(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_to_be_opened),
        cmocka_unit_test(test_an_open_connection),
        cmocka_unit_test(test_a_user_in_a_tenant),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
