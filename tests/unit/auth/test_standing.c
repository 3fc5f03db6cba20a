/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "auth/auth.h"
#include "auth/standing.h"
#include "support/fake_loop.h"
#include "support/test.h"

#define SHARE 1000u

static const char *name_of(unsigned number)
{
    static char name[24];

    snprintf(name, sizeof(name), "2001:db8:0:%x::", number);
    return name;
}

static struct auth_counters counted(const struct auth_standing *standing)
{
    struct auth_counters counters = {0};

    auth_standing_count(standing, &counters);
    return counters;
}

static void test_the_good_come_first_and_the_failed_last(void **state)
{
    struct loop *loop = loop_new();
    struct auth_standing standing;

    (void)state;
    auth_standing_init(&standing, loop, 10, 10);
    assert_int_equal(auth_standing_of(&standing, "a", SHARE, 0), AUTH_RANK_NEW);
    auth_standing_failed(&standing, "a", 1, 0);
    assert_int_equal(auth_standing_of(&standing, "a", SHARE, 0), AUTH_RANK_LAST);
    auth_standing_succeeded(&standing, "a", 0);
    assert_int_equal(auth_standing_of(&standing, "a", SHARE, 0), AUTH_RANK_GOOD);
    auth_standing_failed(&standing, "b", 1, 0);
    assert_int_equal(auth_standing_of(&standing, "b", SHARE, AUTH_FAILED_ADDRESS_KEPT_MS - 1),
                     AUTH_RANK_LAST);
    assert_int_equal(auth_standing_of(&standing, "b", SHARE, AUTH_FAILED_ADDRESS_KEPT_MS),
                     AUTH_RANK_NEW);
    assert_int_equal(auth_standing_of(&standing, "a", SHARE, AUTH_GOOD_ADDRESS_KEPT_MS - 1),
                     AUTH_RANK_GOOD);
    assert_int_equal(auth_standing_of(&standing, "a", SHARE, AUTH_GOOD_ADDRESS_KEPT_MS),
                     AUTH_RANK_NEW);
    assert_int_equal(counted(&standing).addresses_kept, 0);
    auth_standing_release(&standing);
    loop_free(loop);
}

static void test_failures_push_no_good_one_out(void **state)
{
    struct loop *loop = loop_new();
    struct auth_standing standing;

    (void)state;
    auth_standing_init(&standing, loop, 2, 3);
    auth_standing_succeeded(&standing, "a", 0);
    auth_standing_succeeded(&standing, "b", 1);
    for (unsigned i = 0; i < 100; i++)
        auth_standing_failed(&standing, name_of(i), 1, 2);
    assert_int_equal(counted(&standing).addresses_kept, 5);
    assert_int_equal(counted(&standing).addresses_displaced, 97);
    assert_int_equal(auth_standing_of(&standing, "a", SHARE, 3), AUTH_RANK_GOOD);
    auth_standing_succeeded(&standing, "c", 3); /* the one that was not there for longest goes */
    assert_int_equal(auth_standing_of(&standing, "a", SHARE, 3), AUTH_RANK_NEW);
    assert_int_equal(auth_standing_of(&standing, "b", SHARE, 3), AUTH_RANK_GOOD);
    auth_standing_release(&standing);
    loop_free(loop);
}

static void test_good_ones_that_fail_share(void **state)
{
    struct loop *loop = loop_new();
    struct auth_standing standing;

    (void)state;
    auth_standing_init(&standing, loop, 10, 10);
    for (unsigned i = 0; i < 4; i++)
        auth_standing_succeeded(&standing, name_of(i), 0);
    auth_standing_failed(&standing, name_of(0), SHARE, 500);
    assert_int_equal(auth_standing_of(&standing, name_of(0), SHARE, 500), AUTH_RANK_GOOD);
    auth_standing_failed(&standing, name_of(1), SHARE / 2, 500);
    assert_int_equal(auth_standing_of(&standing, name_of(0), SHARE, 500), AUTH_RANK_LAST);
    assert_int_equal(auth_standing_of(&standing, name_of(1), SHARE, 500), AUTH_RANK_GOOD);
    auth_standing_failed(&standing, name_of(2), 1, 500);
    assert_int_equal(auth_standing_of(&standing, name_of(1), SHARE, 500), AUTH_RANK_LAST);
    assert_int_equal(auth_standing_of(&standing, name_of(2), SHARE, 500), AUTH_RANK_GOOD);
    assert_int_equal(auth_standing_of(&standing, name_of(3), SHARE, 500), AUTH_RANK_GOOD);
    /* It is over when it is. */
    assert_int_equal(auth_standing_of(&standing, name_of(0), SHARE, 2500), AUTH_RANK_GOOD);
    auth_standing_release(&standing);
    loop_free(loop);
}

static void test_none_need_be_kept(void **state)
{
    struct loop *loop = loop_new();
    struct auth_standing standing;

    (void)state;
    auth_standing_init(&standing, loop, 0, 0);
    auth_standing_succeeded(&standing, "a", 0);
    auth_standing_failed(&standing, "b", 1, 0);
    assert_int_equal(counted(&standing).addresses_kept, 0);
    assert_int_equal(auth_standing_of(&standing, "a", SHARE, 0), AUTH_RANK_NEW);
    auth_standing_release(&standing);
    loop_free(loop);
}

static void test_they_end_by_the_clock(void **state)
{
    struct loop *loop = loop_new();
    struct auth_standing standing;

    (void)state;
    auth_standing_init(&standing, loop, 10, 10);
    auth_standing_succeeded(&standing, "a", loop_now_ms(loop));
    auth_standing_failed(&standing, "b", 1, loop_now_ms(loop));
    fake_loop_advance(loop, AUTH_FAILED_ADDRESS_KEPT_MS + 2000);
    assert_int_equal(counted(&standing).addresses_kept, 1);
    auth_standing_release(&standing);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_good_come_first_and_the_failed_last),
        cmocka_unit_test(test_failures_push_no_good_one_out),
        cmocka_unit_test(test_good_ones_that_fail_share),
        cmocka_unit_test(test_none_need_be_kept),
        cmocka_unit_test(test_they_end_by_the_clock),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
