/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "auth/auth.h"
#include "auth/denied.h"
#include "base/random.h"
#include "sse/user.h"
#include "support/loop_fixture.h"
#include "support/test.h"

#define NOW  INT64_C(1800000000500) /* half a second past a second */
#define HOUR INT64_C(3600000)

/* A user's own key, and the tenant. */
struct asked {
    const char *id, *tenant;
    bool is_of_tenant;
};

static bool has_at(struct auth_denied *denied, struct asked asked, const char *token,
                   int64_t issued_at, int64_t now)
{
    struct sse_user *user = sse_user_new(&(struct sse_user_fields){
        .id = asked.id, .tenant_id = asked.tenant, .is_of_tenant = asked.is_of_tenant});
    const struct auth_credential credential = {user, token, issued_at};
    const bool is = auth_denied_has(denied, &credential, now);

    sse_user_unref(user);
    return is;
}

static bool has(struct auth_denied *denied, const char *id, const char *token, int64_t issued_at)
{
    return has_at(denied, (struct asked){.id = id}, token, issued_at, NOW);
}

static struct auth_counters counted(const struct auth_denied *denied)
{
    struct auth_counters counters = {0};

    auth_denied_count(denied, &counters);
    return counters;
}

static void test_nobody_is_denied_at_first(void **state)
{
    struct auth_denied *denied = auth_denied_new(loop, 10);

    (void)state;
    assert_false(has(denied, "7", "token", INT64_MIN));
    assert_int_equal(counted(denied).revocations_kept, 0);
    auth_denied_free(denied);
    auth_denied_free(NULL);
}

static void test_a_token(void **state)
{
    struct auth_denied *denied = auth_denied_new(loop, 10);

    (void)state;
    auth_denied_add_token(denied, "token", NOW, NOW + HOUR);
    assert_true(has(denied, "7", "token", NOW / 1000 - 60));
    assert_true(has(denied, "7", "token", NOW / 1000 + 60)); /* whenever it says that it began */
    assert_false(has(denied, "7", "token2", INT64_MIN));
    assert_false(has(denied, "token", "7", INT64_MIN));
    auth_denied_free(denied);
}

static void test_a_user_up_to_a_second(void **state)
{
    struct auth_denied *denied = auth_denied_new(loop, 10);

    (void)state;
    auth_denied_add_user(denied, "7", NOW, NOW + HOUR);
    assert_true(has(denied, "7", "a", INT64_MIN));
    assert_true(has(denied, "7", "a", NOW / 1000 - 1));
    assert_true(has(denied, "7", "a", NOW / 1000));
    assert_false(has(denied, "7", "a", NOW / 1000 + 1));
    assert_false(has(denied, "8", "a", INT64_MIN));
    auth_denied_free(denied);
}

static void test_a_user_of_a_tenant(void **state)
{
    static const struct asked of_red = {"7", "red", true}, of_blue = {"7", "blue", true};
    static const struct asked in_red = {"7", "red", false}, in_blue = {"7", "blue", false};
    struct auth_denied *denied = auth_denied_new(loop, 10);
    char *key = sse_user_key_new("red", "7");

    (void)state;
    auth_denied_add_user(denied, key, NOW, NOW + HOUR);
    assert_true(has_at(denied, of_red, "a", INT64_MIN, NOW));
    assert_false(has_at(denied, of_blue, "a", INT64_MIN, NOW));
    assert_true(has_at(denied, in_red, "a", INT64_MIN, NOW));
    assert_false(has_at(denied, in_blue, "a", INT64_MIN, NOW));
    auth_denied_add_user(denied, "7", NOW, NOW + HOUR); /* when users had no tenant in their keys */
    assert_true(has_at(denied, of_blue, "a", INT64_MIN, NOW));
    assert_true(has_at(denied, in_blue, "a", INT64_MIN, NOW));
    assert_false(auth_denied_has(denied, &(struct auth_credential){NULL, "a", INT64_MIN}, NOW));
    free(key);
    auth_denied_free(denied);
}

static void test_again_is_longer_and_later(void **state)
{
    struct auth_denied *denied = auth_denied_new(loop, 10);

    (void)state;
    auth_denied_add_user(denied, "7", NOW - 60000, NOW + HOUR);
    auth_denied_add_user(denied, "7", NOW, NOW + 1);
    assert_int_equal(counted(denied).revocations_kept, 1);
    assert_true(has(denied, "7", "a", NOW / 1000));
    assert_true(has_at(denied, (struct asked){.id = "7"}, "a", 0, NOW + HOUR - 1));
    assert_false(has_at(denied, (struct asked){.id = "7"}, "a", 0, NOW + HOUR));
    assert_int_equal(counted(denied).revocations_kept, 0);
    auth_denied_free(denied);
}

static void test_what_has_ended_is_not_added(void **state)
{
    struct auth_denied *denied = auth_denied_new(loop, 10);

    (void)state;
    auth_denied_add_token(denied, "old", NOW, NOW);
    auth_denied_add_user(denied, "7", NOW, NOW - 1);
    assert_int_equal(counted(denied).revocations_kept, 0);
    auth_denied_free(denied);
}

static void test_at_the_bound_the_first_to_end_goes(void **state)
{
    struct auth_denied *denied = auth_denied_new(loop, 3);

    (void)state;
    auth_denied_add_token(denied, "b", NOW, NOW + 2 * HOUR);
    auth_denied_add_token(denied, "a", NOW, NOW + HOUR);
    auth_denied_add_token(denied, "c", NOW, NOW + 3 * HOUR);
    assert_int_equal(counted(denied).revocations_displaced, 0);
    auth_denied_add_user(denied, "7", NOW, NOW + 4 * HOUR);
    assert_int_equal(counted(denied).revocations_kept, 3);
    assert_int_equal(counted(denied).revocations_displaced, 1);
    assert_int_equal(counted(denied).revocations, 4);
    assert_false(has(denied, "", "a", INT64_MIN));
    assert_true(has(denied, "", "b", INT64_MIN));
    assert_true(has(denied, "", "c", INT64_MIN));
    assert_true(has(denied, "7", "", INT64_MIN));
    auth_denied_free(denied);
}

/* Whatever the order, at each moment exactly those are there that have not ended. */
static void test_many_end_in_their_order(void **state)
{
    enum { MANY = 1000 };
    struct auth_denied *denied = auth_denied_new(loop, MANY);
    int64_t ends[MANY];

    (void)state;
    for (size_t i = 0; i < MANY; i++) {
        char token[32];

        snprintf(token, sizeof(token), "token %zu", i);
        ends[i] = NOW + 1 + (int64_t)random_between(0, 100);
        auth_denied_add_token(denied, token, NOW, ends[i]);
    }
    for (int64_t now = NOW; now <= NOW + 102; now++) {
        size_t left = 0;

        for (size_t i = 0; i < MANY; i++)
            left += ends[i] > now;
        (void)auth_denied_has(denied, &(struct auth_credential){NULL, "", 0}, now);
        assert_int_equal(counted(denied).revocations_kept, left);
    }
    auth_denied_free(denied);
}

static void test_denials_end_by_the_clock(void **state)
{
    struct auth_denied *denied = auth_denied_new(loop, 10);
    const int64_t now = loop_wall_ms(loop);

    (void)state;
    auth_denied_add_user(denied, "7", now, now + HOUR);
    auth_denied_add_token(denied, "token", now, now + HOUR / 2);
    fake_loop_advance(loop, (uint64_t)HOUR / 2 - 1000);
    assert_int_equal(counted(denied).revocations_kept, 2);
    fake_loop_advance(loop, 2000);
    assert_int_equal(counted(denied).revocations_kept, 1);
    /* The wall clock is set back: it has longer to go. */
    loop->wall_offset_ms -= HOUR;
    fake_loop_advance(loop, (uint64_t)HOUR);
    assert_int_equal(counted(denied).revocations_kept, 1);
    fake_loop_advance(loop, (uint64_t)HOUR);
    assert_int_equal(counted(denied).revocations_kept, 0);
    assert_false(fake_loop_has_timers(loop));
    auth_denied_free(denied);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_is_denied_at_first),
        cmocka_unit_test(test_a_token),
        cmocka_unit_test(test_a_user_up_to_a_second),
        cmocka_unit_test(test_a_user_of_a_tenant),
        cmocka_unit_test(test_again_is_longer_and_later),
        cmocka_unit_test(test_what_has_ended_is_not_added),
        cmocka_unit_test(test_at_the_bound_the_first_to_end_goes),
        cmocka_unit_test(test_many_end_in_their_order),
        cmocka_unit_test(test_denials_end_by_the_clock),
    };

    return cmocka_run_group_tests(tests, open_loop, close_loop);
}
