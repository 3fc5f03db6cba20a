/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "sse/intern.h"
#include "support/test.h"

static void test_same_text_is_held_once(void **state)
{
    struct sse_intern *intern = sse_intern_new();
    char copy[] = "Mozilla/5.0";
    const char *one = sse_intern_take(intern, "Mozilla/5.0");
    const char *other = sse_intern_take(intern, copy);

    (void)state;
    assert_ptr_equal(one, other);
    assert_string_equal(one, "Mozilla/5.0");
    assert_int_equal(sse_intern_count(intern), 1);
    sse_intern_drop(intern, one);
    assert_string_equal(other, "Mozilla/5.0");
    sse_intern_drop(intern, other);
    assert_int_equal(sse_intern_count(intern), 0);
    sse_intern_free(intern);
}

static void test_empty_text_costs_nothing(void **state)
{
    struct sse_intern *intern = sse_intern_new();

    (void)state;
    assert_string_equal(sse_intern_take(intern, ""), "");
    assert_int_equal(sse_intern_count(intern), 0);
    sse_intern_drop(intern, "");
    sse_intern_free(intern);
}

static void test_free_of_null(void **state)
{
    (void)state;
    sse_intern_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_text_is_held_once),
        cmocka_unit_test(test_empty_text_costs_nothing),
        cmocka_unit_test(test_free_of_null),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
