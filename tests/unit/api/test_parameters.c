/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "api/input.h"
#include "support/test.h"

static void test_whole_numbers(void **state)
{
    uint64_t number = 7;

    (void)state;
    assert_int_equal(api_whole_number("0", 100, &number), 0);
    assert_int_equal(number, 0);
    assert_int_equal(api_whole_number("0042", 100, &number), 0);
    assert_int_equal(number, 42);
    assert_int_equal(api_whole_number("101", 100, &number), 0);
    assert_int_equal(number, 100);
    assert_int_equal(api_whole_number("99999999999999999999999999", 100, &number), 0);
    assert_int_equal(number, 100);
    assert_int_equal(api_whole_number("18446744073709551616", UINT64_MAX, &number), 0);
    assert_true(number == UINT64_MAX);
}

static void test_what_is_no_whole_number(void **state)
{
    static const char *const wrong[] = {"", "-1", "+1", " 1", "1 ", "1.5", "1e3", "0x10", "one"};
    uint64_t number = 7;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(api_whole_number(wrong[i], 100, &number), -EINVAL);
    assert_int_equal(number, 7);
}

static void test_lenient_numbers(void **state)
{
    static const char *const wrong[] = {"", "NaN", "undefined", "null", "inf", "1e400", "12px"};

    (void)state;
    assert_int_equal(api_lenient_number("1700000000000", -1), 1700000000000);
    assert_int_equal(api_lenient_number("12.9", -1), 12);
    assert_int_equal(api_lenient_number("-5", -1), -5);
    assert_int_equal(api_lenient_number(NULL, -1), -1);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(api_lenient_number(wrong[i], -1), -1);
}

static void test_lenient_seconds(void **state)
{
    static const char *const wrong[] = {"-1", "-28802", "3153600001", "1e15", "NaN", ""};

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(api_lenient_seconds(wrong[i], 7), 7);
    assert_int_equal(api_lenient_seconds("0", 7), 0);
    assert_int_equal(api_lenient_seconds("3153600000", 7), API_MOST_SECONDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_numbers),
        cmocka_unit_test(test_what_is_no_whole_number),
        cmocka_unit_test(test_lenient_numbers),
        cmocka_unit_test(test_lenient_seconds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
