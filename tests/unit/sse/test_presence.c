/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "sse/presence.h"
#include "sse/user.h"
#include "support/fake_loop.h"
#include "support/test.h"

#define GRACE_MS 5000u

struct fixture {
    struct loop *loop;
    struct sse_presence *presence;
    char told[512];    /* "+ann -ann " */
    bool is_returning; /* joins again from within on_offline */
};

static void tell(struct fixture *fixture, char sign, const char *user_key)
{
    const size_t used = strlen(fixture->told);

    snprintf(fixture->told + used, sizeof(fixture->told) - used, "%c%s ", sign, user_key);
}

static void on_online(void *context, const char *user_key, struct bytes *about)
{
    tell(context, '+', user_key);
    if (about)
        tell(context, '=', about->data);
}

static void on_offline(void *context, const char *user_key, struct bytes *about)
{
    struct fixture *fixture = context;

    tell(fixture, '-', user_key);
    if (about)
        tell(fixture, '=', about->data);
    if (fixture->is_returning)
        sse_presence_join(fixture->presence, user_key, NULL);
    fixture->is_returning = false;
}

static void open_fixture(struct fixture *fixture, uint32_t grace_ms)
{
    const struct sse_presence_handler handler = {on_online, on_offline, fixture};

    *fixture = (struct fixture){.loop = loop_new()};
    fixture->presence = sse_presence_new(fixture->loop, grace_ms, &handler);
}

static void close_fixture(struct fixture *fixture)
{
    sse_presence_free(fixture->presence);
    loop_free(fixture->loop);
}

static void test_who_is_away_is_found_in_the_tenant(void **state)
{
    struct sse_user *user = sse_user_new(&(struct sse_user_fields){.id = "42", .tenant_id = "red"});
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture, GRACE_MS);
    sse_presence_join(fixture.presence, "42", NULL);
    sse_presence_leave(fixture.presence, "42", NULL);
    sse_presence_remember(fixture.presence, user);
    assert_non_null(sse_presence_find_away(fixture.presence, "42"));
    assert_non_null(sse_presence_find_away(fixture.presence, "red\x1f"
                                                             "42"));
    assert_null(sse_presence_find_away(fixture.presence, "blue\x1f"
                                                         "42"));
    close_fixture(&fixture);
    sse_user_unref(user);
}

static void test_first_and_last_connection(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture, GRACE_MS);
    sse_presence_join(fixture.presence, "ann", NULL);
    sse_presence_join(fixture.presence, "ann", NULL);
    sse_presence_join(fixture.presence, "bob", NULL);
    sse_presence_leave(fixture.presence, "ann", NULL);
    fake_loop_advance(fixture.loop, GRACE_MS * 2);
    assert_string_equal(fixture.told, "+ann +bob ");
    sse_presence_leave(fixture.presence, "ann", NULL);
    fake_loop_advance(fixture.loop, GRACE_MS - 1);
    assert_int_equal(sse_presence_online(fixture.presence), 2);
    assert_string_equal(fixture.told, "+ann +bob ");
    fake_loop_advance(fixture.loop, 1);
    assert_string_equal(fixture.told, "+ann +bob -ann ");
    assert_int_equal(sse_presence_online(fixture.presence), 1);
    close_fixture(&fixture);
}

static void test_back_within_grace_is_silent(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture, GRACE_MS);
    for (unsigned i = 0; i < 100; i++) {
        sse_presence_join(fixture.presence, "ann", NULL);
        sse_presence_leave(fixture.presence, "ann", NULL);
        fake_loop_advance(fixture.loop, GRACE_MS - 1);
    }
    assert_string_equal(fixture.told, "+ann ");
    fake_loop_advance(fixture.loop, 1);
    assert_string_equal(fixture.told, "+ann -ann ");
    close_fixture(&fixture);
}

/* Who came back while we were stopped has not been heard yet. */
static void test_grace_without_our_own_stop(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture, GRACE_MS);
    sse_presence_join(fixture.presence, "ann", NULL);
    sse_presence_leave(fixture.presence, "ann", NULL);
    fake_loop_advance(fixture.loop, GRACE_MS - 1);
    fake_loop_stop(fixture.loop, 10 * GRACE_MS);
    assert_string_equal(fixture.told, "+ann ");
    fake_loop_advance(fixture.loop, 1);
    assert_string_equal(fixture.told, "+ann -ann ");
    close_fixture(&fixture);
}

static void test_no_grace(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture, 0);
    sse_presence_join(fixture.presence, "ann", NULL);
    sse_presence_leave(fixture.presence, "ann", NULL);
    assert_string_equal(fixture.told, "+ann -ann ");
    assert_int_equal(sse_presence_online(fixture.presence), 0);
    close_fixture(&fixture);
}

static void test_leave_without_join(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture, GRACE_MS);
    sse_presence_leave(fixture.presence, "nobody", NULL);
    sse_presence_join(fixture.presence, "ann", NULL);
    sse_presence_leave(fixture.presence, "ann", NULL);
    sse_presence_leave(fixture.presence, "ann", NULL);
    fake_loop_advance(fixture.loop, GRACE_MS * 2);
    assert_string_equal(fixture.told, "+ann -ann ");
    close_fixture(&fixture);
}

static void test_join_from_the_handler(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture, GRACE_MS);
    fixture.is_returning = true;
    sse_presence_join(fixture.presence, "ann", NULL);
    sse_presence_leave(fixture.presence, "ann", NULL);
    fake_loop_advance(fixture.loop, GRACE_MS);
    assert_string_equal(fixture.told, "+ann -ann +ann ");
    assert_int_equal(sse_presence_online(fixture.presence), 1);
    close_fixture(&fixture);
}

static void test_free_tells_nobody(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture, GRACE_MS);
    sse_presence_join(fixture.presence, "ann", NULL);
    sse_presence_join(fixture.presence, "bob", NULL);
    sse_presence_leave(fixture.presence, "bob", NULL);
    sse_presence_free(fixture.presence);
    fixture.presence = NULL;
    fake_loop_advance(fixture.loop, GRACE_MS * 2);
    assert_string_equal(fixture.told, "+ann +bob ");
    close_fixture(&fixture);
}

/* Online brings what the first join said, offline what the last leave said. */
static void test_what_is_told_about_them(void **state)
{
    struct bytes *first = bytes_new("first", 5);
    struct bytes *second = bytes_new("second", 6);
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture, GRACE_MS);
    sse_presence_join(fixture.presence, "ann", first);
    sse_presence_join(fixture.presence, "ann", second);
    sse_presence_leave(fixture.presence, "ann", first);
    sse_presence_leave(fixture.presence, "ann", first);
    sse_presence_join(fixture.presence, "ann", NULL);
    sse_presence_leave(fixture.presence, "ann", second);
    second = bytes_unref(second);
    fake_loop_advance(fixture.loop, GRACE_MS);
    assert_string_equal(fixture.told, "+ann =first -ann =second ");
    bytes_unref(first);
    close_fixture(&fixture);
}

/* Whoever is online all the time is seen by a walk during which others come and go. */
static void test_a_walk_leaves_nobody_out(void **state)
{
    enum { USERS = 100 };
    bool seen[USERS] = {false};
    struct fixture fixture;
    char id[16];

    (void)state;
    open_fixture(&fixture, 0);
    for (int i = 0; i < USERS; i++) {
        snprintf(id, sizeof(id), "%d", i);
        sse_presence_join(fixture.presence, id, NULL);
    }
    fixture.told[0] = '\0';
    size_t at = USERS;
    for (int turn = 0; at > 0; turn++) {
        if (at > sse_presence_online(fixture.presence))
            at = sse_presence_online(fixture.presence);
        const char *user = sse_presence_user(fixture.presence, --at);
        seen[strtol(user, NULL, 10)] = true;
        if (turn % 3 == 0 && turn < USERS) {
            snprintf(id, sizeof(id), "%d", turn);
            sse_presence_leave(fixture.presence, id, NULL);
            fixture.told[0] = '\0';
        }
    }
    for (int i = 0; i < USERS; i++)
        assert_true(seen[i] || i % 3 == 0);
    close_fixture(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_and_last_connection),
        cmocka_unit_test(test_who_is_away_is_found_in_the_tenant),
        cmocka_unit_test(test_back_within_grace_is_silent),
        cmocka_unit_test(test_grace_without_our_own_stop),
        cmocka_unit_test(test_no_grace),
        cmocka_unit_test(test_leave_without_join),
        cmocka_unit_test(test_join_from_the_handler),
        cmocka_unit_test(test_free_tells_nobody),
        cmocka_unit_test(test_what_is_told_about_them),
        cmocka_unit_test(test_a_walk_leaves_nobody_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
