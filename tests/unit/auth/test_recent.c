/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/recent.h"
#include "support/test.h"

static void a_name_keeps_its_number(void **state)
{
    struct auth_recent recent;

    (void)state;
    auth_recent_init(&recent, 10, 1000);
    assert_int_equal(auth_recent_find(&recent, "a", 0), -1);
    auth_recent_add(&recent, "a", 3, 0);
    auth_recent_add(&recent, "b", 0, 0);
    assert_int_equal(auth_recent_find(&recent, "a", 1), 3);
    assert_int_equal(auth_recent_find(&recent, "b", 1), 0);
    assert_int_equal(auth_recent_find(&recent, "c", 1), -1);
    auth_recent_release(&recent);
}

static void what_is_not_used_is_forgotten(void **state)
{
    struct auth_recent recent;

    (void)state;
    auth_recent_init(&recent, 10, 1000);
    auth_recent_add(&recent, "a", 1, 0);
    auth_recent_add(&recent, "b", 2, 0);
    assert_int_equal(auth_recent_find(&recent, "a", 999), 1);
    assert_int_equal(auth_recent_find(&recent, "b", 1000), -1);
    assert_int_equal(auth_recent_find(&recent, "a", 1000), 1);
    assert_int_equal(auth_recent_count(&recent), 1);
    assert_int_equal(auth_recent_find(&recent, "a", 2000), -1);
    assert_int_equal(auth_recent_count(&recent), 0);
    assert_int_equal(recent.displaced, 0);
    auth_recent_release(&recent);
}

static void the_longest_unused_makes_room(void **state)
{
    struct auth_recent recent;

    (void)state;
    auth_recent_init(&recent, 2, 1000);
    auth_recent_add(&recent, "a", 1, 0);
    auth_recent_add(&recent, "b", 2, 0);
    assert_int_equal(auth_recent_find(&recent, "a", 0), 1);
    auth_recent_add(&recent, "c", 3, 0);
    assert_int_equal(auth_recent_find(&recent, "b", 0), -1);
    assert_int_equal(auth_recent_find(&recent, "a", 0), 1);
    assert_int_equal(auth_recent_find(&recent, "c", 0), 3);
    assert_int_equal(auth_recent_count(&recent), 2);
    assert_int_equal(recent.displaced, 1);
    auth_recent_release(&recent);
}

static void no_room_is_no_memory(void **state)
{
    struct auth_recent recent;

    (void)state;
    auth_recent_init(&recent, 0, 1000);
    auth_recent_add(&recent, "a", 1, 0);
    assert_int_equal(auth_recent_find(&recent, "a", 0), -1);
    assert_int_equal(recent.displaced, 0);
    auth_recent_release(&recent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_keeps_its_number),
        cmocka_unit_test(what_is_not_used_is_forgotten),
        cmocka_unit_test(the_longest_unused_makes_room),
        cmocka_unit_test(no_room_is_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
