/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "api/event_names.h"
#include "support/test.h"

static void test_list(void **state)
{
    struct event_names names;

    (void)state;
    assert_null(event_names_from_list(&names, "a, b ,,c d,"));
    assert_int_equal(names.count, 3);
    assert_string_equal(names.names[0], "a");
    assert_string_equal(names.names[1], "b");
    assert_string_equal(names.names[2], "c d");
    event_names_release(&names);
    assert_null(event_names_from_list(&names, ""));
    assert_int_equal(names.count, 0);
    event_names_release(&names);
}

static void test_faulty_lists(void **state)
{
    struct event_names names;
    char longest[140];

    (void)state;
    assert_non_null(event_names_from_list(&names, "a,b\nc"));
    assert_int_equal(names.count, 0);
    memset(longest, 'a', 129);
    longest[129] = '\0';
    assert_non_null(event_names_from_list(&names, longest));
    longest[128] = '\0';
    assert_null(event_names_from_list(&names, longest));
    event_names_release(&names);
}

static void test_array(void **state)
{
    json_t *good = json_pack("[s,s]", "a", "b");
    json_t *number = json_pack("[s,i]", "a", 1);
    json_t *empty = json_pack("[s]", "");
    struct event_names names;

    (void)state;
    assert_null(event_names_from_json(&names, good));
    assert_int_equal(names.count, 2);
    assert_string_equal(names.names[1], "b");
    event_names_release(&names);
    assert_non_null(event_names_from_json(&names, number));
    assert_non_null(event_names_from_json(&names, empty));
    json_decref(good);
    json_decref(number);
    json_decref(empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_faulty_lists),
        cmocka_unit_test(test_array),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
