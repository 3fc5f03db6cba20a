/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sse/clients.h"
#include "sse/user.h"
#include "support/test.h"

static void test_one_more_closes_the_oldest(void **state)
{
    struct sse_clients *clients = sse_clients_new(3);
    char evicted[SSE_HANDLE_SIZE];

    (void)state;
    assert_false(sse_clients_join(clients, "k", "a", 10, evicted));
    assert_false(sse_clients_join(clients, "k", "b", 11, evicted));
    assert_false(sse_clients_join(clients, "k", "c", 12, evicted));
    assert_false(sse_clients_join(clients, "other", "x", 1, evicted));
    assert_true(sse_clients_join(clients, "k", "d", 13, evicted));
    assert_string_equal(evicted, "a");
    assert_true(sse_clients_join(clients, "k", "e", 14, evicted));
    assert_string_equal(evicted, "b");
    assert_int_equal(sse_clients_count(clients), 2);
    sse_clients_free(clients);
}

/* News of two workers may cross: the time decides, but never against the newcomer. */
static void test_order_is_by_time(void **state)
{
    struct sse_clients *clients = sse_clients_new(2);
    char evicted[SSE_HANDLE_SIZE];

    (void)state;
    assert_false(sse_clients_join(clients, "k", "late", 20, evicted));
    assert_false(sse_clients_join(clients, "k", "early", 10, evicted));
    assert_true(sse_clients_join(clients, "k", "newest", 30, evicted));
    assert_string_equal(evicted, "early");
    assert_true(sse_clients_join(clients, "k", "clock behind", 1, evicted));
    assert_string_equal(evicted, "late");
    sse_clients_free(clients);
}

static void test_equal_times_go_by_arrival(void **state)
{
    struct sse_clients *clients = sse_clients_new(2);
    char evicted[SSE_HANDLE_SIZE];

    (void)state;
    assert_false(sse_clients_join(clients, "k", "a", 5, evicted));
    assert_false(sse_clients_join(clients, "k", "b", 5, evicted));
    assert_true(sse_clients_join(clients, "k", "c", 5, evicted));
    assert_string_equal(evicted, "a");
    sse_clients_free(clients);
}

static void test_leave_makes_room(void **state)
{
    struct sse_clients *clients = sse_clients_new(2);
    char evicted[SSE_HANDLE_SIZE];

    (void)state;
    assert_false(sse_clients_join(clients, "k", "a", 1, evicted));
    assert_false(sse_clients_join(clients, "k", "b", 2, evicted));
    sse_clients_leave(clients, "k", "a");
    assert_false(sse_clients_join(clients, "k", "c", 3, evicted));
    assert_true(sse_clients_join(clients, "k", "d", 4, evicted));
    assert_string_equal(evicted, "b");
    sse_clients_leave(clients, "k", "b"); /* evicted already: counts no more */
    sse_clients_leave(clients, "k", "unknown");
    sse_clients_leave(clients, "unknown", "a");
    sse_clients_leave(clients, "k", "c");
    assert_int_equal(sse_clients_count(clients), 1);
    sse_clients_leave(clients, "k", "d");
    assert_int_equal(sse_clients_count(clients), 0);
    sse_clients_free(clients);
    sse_clients_free(NULL);
}

static void test_no_limit_keeps_nothing(void **state)
{
    struct sse_clients *clients = sse_clients_new(0);
    char evicted[SSE_HANDLE_SIZE];

    (void)state;
    for (int i = 0; i < 100; i++)
        assert_false(sse_clients_join(clients, "k", "a", i, evicted));
    assert_int_equal(sse_clients_count(clients), 0);
    sse_clients_free(clients);
}

/* A client that reconnects for ever takes no more room than its limit. */
static void test_flood(void **state)
{
    struct sse_clients *clients = sse_clients_new(1);
    char evicted[SSE_HANDLE_SIZE];
    char id[SSE_HANDLE_SIZE];

    (void)state;
    for (int i = 0; i < 10000; i++) {
        snprintf(id, sizeof(id), "%d", i);
        assert_int_equal(sse_clients_join(clients, "k", id, i, evicted), i > 0);
        if (i > 0)
            assert_int_equal(atoi(evicted), i - 1);
    }
    assert_int_equal(sse_clients_count(clients), 1);
    sse_clients_free(clients);
}

static char *key_of(const char *client, const char *user_id, const char *tenant, const char *origin)
{
    struct sse_user *user =
        sse_user_new(&(struct sse_user_fields){.id = user_id, .tenant_id = tenant});
    char *key = sse_clients_key(client, user, origin);

    sse_user_unref(user);
    return key;
}

static void assert_keys(bool is_same, char *one, char *other)
{
    assert_int_equal(strcmp(one, other) == 0, is_same);
    free(one);
    free(other);
}

static void test_keys(void **state)
{
    (void)state;
    assert_keys(false, key_of("", "7", "t", ""), key_of("", "8", "t", ""));
    assert_keys(true, key_of("c", "7", "t", NULL), key_of("c", "7", "t", ""));
    assert_keys(false, key_of("c", "7", "t", "https://a"), key_of("c", "7", "t", "https://b"));
    assert_keys(false, key_of("c", "7", "t", ""), key_of("c", "8", "t", ""));
    assert_keys(false, key_of("c", "7", "t", ""), key_of("c", "7", "u", ""));
    assert_keys(false, key_of("c", "7", "t", ""), key_of("d", "7", "t", ""));
    /* No text can pass for two. */
    assert_keys(false, key_of("c1:7", "", "", ""), key_of("c", "7", "", ""));
    assert_keys(false, key_of("a", "b1:c", "", ""), key_of("a1:b", "c", "", ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_more_closes_the_oldest),
        cmocka_unit_test(test_order_is_by_time),
        cmocka_unit_test(test_equal_times_go_by_arrival),
        cmocka_unit_test(test_leave_makes_room),
        cmocka_unit_test(test_no_limit_keeps_nothing),
        cmocka_unit_test(test_flood),
        cmocka_unit_test(test_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
