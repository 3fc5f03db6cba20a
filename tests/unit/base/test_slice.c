/* SPDX-License-Identifier: Apache-2.0 */
#include "base/slice.h"
#include "support/test.h"

#define HOUR_NS UINT64_C(3600000000000)

static void so_many_units_are_in_it(void **state)
{
    struct slice slice = slice_new(HOUR_NS, 5, 1);

    (void)state;
    assert_false(slice_is_over(&slice));
    assert_true(slice_spend(&slice));
    assert_true(slice_spend_many(&slice, 3));
    assert_false(slice_spend_many(&slice, 7));
    assert_true(slice_is_over(&slice));
}

static void the_clock_is_looked_at_between_some_units(void **state)
{
    struct slice slice = slice_new(0, 100, 4);

    (void)state;
    for (unsigned i = 0; i < 3; i++)
        assert_true(slice_spend(&slice));
    assert_false(slice_spend(&slice));
    slice = slice_new(0, 100, 4);
    assert_false(slice_spend_many(&slice, 4));
}

static void one_without_end_goes_on(void **state)
{
    struct slice slice = slice_without_end();

    (void)state;
    for (unsigned i = 0; i < 100000; i++)
        assert_true(slice_spend(&slice));
}

static void a_paused_one_loses_no_time(void **state)
{
    struct slice slice = slice_from(0, HOUR_NS, 10, 1);
    uint64_t left;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        left = slice.ends_ns;
        slice_resume(&slice);
        assert_true(slice_spend(&slice));
        slice_pause(&slice);
        assert_in_range(slice.ends_ns, left / 2, left);
    }
    assert_int_equal(slice.left, 7);
}

static void one_whose_time_is_up_is_over_when_it_pauses(void **state)
{
    struct slice slice = slice_from(0, 0, 10, 5);

    (void)state;
    slice_resume(&slice);
    assert_true(slice_spend(&slice));
    slice_pause(&slice);
    assert_true(slice_is_over(&slice));
    slice_resume(&slice);
    assert_false(slice_spend(&slice));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(so_many_units_are_in_it),
        cmocka_unit_test(the_clock_is_looked_at_between_some_units),
        cmocka_unit_test(one_without_end_goes_on),
        cmocka_unit_test(a_paused_one_loses_no_time),
        cmocka_unit_test(one_whose_time_is_up_is_over_when_it_pauses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
