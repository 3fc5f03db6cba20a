/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/standing.h"
#include "support/test.h"

static void test_what_was_used_slides_out(void **state)
{
    struct auth_meter meter = {0};

    (void)state;
    assert_int_equal(auth_meter_read(&meter, 0), 0);
    auth_meter_add(&meter, 1000, 7100);
    auth_meter_add(&meter, 1000, 7900);
    assert_int_equal(auth_meter_read(&meter, 7999), 2000);
    assert_int_equal(auth_meter_read(&meter, 8000), 2000);
    assert_int_equal(auth_meter_read(&meter, 8250), 1500);
    auth_meter_add(&meter, 100, 8500);
    assert_int_equal(auth_meter_read(&meter, 8500), 1100);
    assert_int_equal(auth_meter_read(&meter, 9000), 100);
    assert_int_equal(auth_meter_read(&meter, 10000), 0);
}

static void test_it_does_not_wrap(void **state)
{
    struct auth_meter meter = {0};

    (void)state;
    auth_meter_add(&meter, UINT64_MAX, 500);
    auth_meter_add(&meter, UINT32_MAX, 500);
    assert_true(auth_meter_read(&meter, 500) >= UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_used_slides_out),
        cmocka_unit_test(test_it_does_not_wrap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
