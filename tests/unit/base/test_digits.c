/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "support/test.h"

static void test_as_printf_writes_them(void **state)
{
    static const uint64_t numbers[] = {0,         1, 9, 10, 15, 16, 255, 1234567890, UINT64_MAX - 1,
                                       UINT64_MAX};
    char expected[DIGITS_SIZE], text[DIGITS_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        assert_int_equal(snprintf(expected, sizeof(expected), "%" PRIu64, numbers[i]),
                         digits_write(text, numbers[i], 10));
        assert_string_equal(text, expected);
        assert_int_equal(snprintf(expected, sizeof(expected), "%" PRIx64, numbers[i]),
                         digits_write(text, numbers[i], 16));
        assert_string_equal(text, expected);
    }
}

static void test_hexadecimal_digits(void **state)
{
    (void)state;
    for (int i = 0; i < 16; i++)
        assert_int_equal(digits_hex("0123456789abcdef"[i]), i);
    for (const char *other = "/:`gA "; *other != '\0'; other++)
        assert_int_equal(digits_hex(*other), -1);
    assert_int_equal(digits_hex('\0'), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_printf_writes_them),
        cmocka_unit_test(test_hexadecimal_digits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
