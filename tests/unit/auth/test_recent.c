/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "auth/jwt.h"
#include "support/loop_fixture.h"
#include "support/test.h"

static void a_name_keeps_its_number(void **state)
{
    struct auth_recent recent;

    (void)state;
    auth_recent_init(&recent, loop, 10, 1000);
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
    auth_recent_init(&recent, loop, 10, 1000);
    auth_recent_add(&recent, "a", 1, 0);
    auth_recent_add(&recent, "b", 2, 0);
    assert_int_equal(auth_recent_find(&recent, "a", 999), 1);
    assert_int_equal(auth_recent_find(&recent, "b", 1000), -1);
    assert_int_equal(auth_recent_find(&recent, "a", 1000), 1);
    assert_int_equal(recent.names.count, 1);
    assert_int_equal(auth_recent_find(&recent, "a", 2000), -1);
    assert_int_equal(recent.names.count, 0);
    assert_int_equal(recent.names.evicted, 0);
    auth_recent_release(&recent);
}

static void the_longest_unused_makes_room(void **state)
{
    struct auth_recent recent;

    (void)state;
    auth_recent_init(&recent, loop, 2, 1000);
    auth_recent_add(&recent, "a", 1, 0);
    auth_recent_add(&recent, "b", 2, 0);
    assert_int_equal(auth_recent_find(&recent, "a", 0), 1);
    auth_recent_add(&recent, "c", 3, 0);
    assert_int_equal(auth_recent_find(&recent, "b", 0), -1);
    assert_int_equal(auth_recent_find(&recent, "a", 0), 1);
    assert_int_equal(auth_recent_find(&recent, "c", 0), 3);
    assert_int_equal(recent.names.count, 2);
    assert_int_equal(recent.names.evicted, 1);
    auth_recent_release(&recent);
}

static void no_room_is_no_memory(void **state)
{
    struct auth_recent recent;

    (void)state;
    auth_recent_init(&recent, loop, 0, 1000);
    auth_recent_add(&recent, "a", 1, 0);
    assert_int_equal(auth_recent_find(&recent, "a", 0), -1);
    assert_int_equal(recent.names.evicted, 0);
    auth_recent_release(&recent);
}

/* How many go in a turn depends on the machine: in each at least some do. */
static void advance_until(const struct auth_recent *recent, size_t count)
{
    for (int i = 0; i < 500 && recent->names.count > count; i++)
        fake_loop_advance(loop, 100);
}

static void what_is_not_used_ends_by_the_clock(void **state)
{
    struct auth_recent recent;

    (void)state;
    auth_recent_init(&recent, loop, 100000, 60000);
    assert_false(fake_loop_has_timers(loop));
    for (int i = 0; i < 20000; i++) {
        char name[16];

        snprintf(name, sizeof(name), "%d", i);
        auth_recent_add(&recent, name, 1, loop->now_ms);
    }
    fake_loop_advance(loop, 59000);
    assert_int_equal(auth_recent_find(&recent, "7", loop->now_ms), 1);
    advance_until(&recent, 1);
    assert_int_equal(recent.names.count, 1);
    fake_loop_advance(loop, 60000);
    advance_until(&recent, 0);
    assert_int_equal(recent.names.count, 0);
    assert_false(fake_loop_has_timers(loop));
    auth_recent_release(&recent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_keeps_its_number),
        cmocka_unit_test(what_is_not_used_is_forgotten),
        cmocka_unit_test(the_longest_unused_makes_room),
        cmocka_unit_test(no_room_is_no_memory),
        cmocka_unit_test(what_is_not_used_ends_by_the_clock),
    };

    return cmocka_run_group_tests(tests, open_loop, close_loop);
}
