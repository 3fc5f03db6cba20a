/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "api/input.h"
#include "h2/uri.h"
#include "support/test.h"

static void test_list(void **state)
{
    struct name_list names = {0};

    (void)state;
    assert_null(name_list_add_text(&names, NAME_OF_EVENT, "a, b ,,c d,"));
    assert_int_equal(names.count, 3);
    assert_string_equal(names.names[0], "a");
    assert_string_equal(names.names[1], "b");
    assert_string_equal(names.names[2], "c d");
    name_list_release(&names);
    assert_null(name_list_add_text(&names, NAME_OF_EVENT, ""));
    assert_int_equal(names.count, 0);
    name_list_release(&names);
}

static void test_faulty_lists(void **state)
{
    struct name_list names = {0};
    char longest[140];

    (void)state;
    assert_non_null(name_list_add_text(&names, NAME_OF_EVENT, "a,b\nc"));
    name_list_release(&names);
    memset(longest, 'a', 129);
    longest[129] = '\0';
    assert_non_null(name_list_add_text(&names, NAME_OF_EVENT, longest));
    name_list_release(&names);
    longest[128] = '\0';
    assert_null(name_list_add_text(&names, NAME_OF_EVENT, longest));
    name_list_release(&names);
}

static unsigned refused;

static void count_refused(void *context, enum name_kind kind, const char *name)
{
    assert_ptr_equal(context, &refused);
    assert_int_equal(kind, NAME_OF_EVENT);
    assert_string_equal(name, "b\nc");
    refused++;
}

static bool is_not_d(void *context, const char *name)
{
    ++*(unsigned *)context;
    return strcmp(name, "d") != 0;
}

static void test_what_is_no_name_may_be_left_out(void **state)
{
    struct name_list names = {.refuse = count_refused, .context = &refused};
    unsigned asked = 0;

    (void)state;
    assert_null(name_list_add_text(&names, NAME_OF_EVENT, "a,b\nc,d,e"));
    assert_int_equal(refused, 1);
    assert_int_equal(names.count, 3);
    name_list_keep(&names, is_not_d, &asked);
    assert_int_equal(asked, 3);
    assert_int_equal(names.count, 2);
    assert_string_equal(names.names[1], "e");
    name_list_release(&names);
}

static void test_array(void **state)
{
    json_t *good = json_pack("[s,s]", "a", "b");
    json_t *number = json_pack("[s,i]", "a", 1);
    json_t *empty = json_pack("[s]", "");
    struct name_list names = {0};

    (void)state;
    assert_null(name_list_add_json(&names, NAME_OF_EVENT, good));
    assert_int_equal(names.count, 2);
    assert_string_equal(names.names[1], "b");
    name_list_release(&names);
    assert_non_null(name_list_add_json(&names, NAME_OF_EVENT, number));
    assert_non_null(name_list_add_json(&names, NAME_OF_EVENT, empty));
    name_list_release(&names);
    json_decref(good);
    json_decref(number);
    json_decref(empty);
}

static void test_channels(void **state)
{
    static const char query[] = "channel=a,b&channel=&x=1&channel=c%20d&channels=e";
    json_t *one = json_string("a,b");
    struct name_list names = {0};
    struct h2_form form;
    size_t at;

    (void)state;
    assert_int_equal(h2_form_parse(&form, query, strlen(query), &at), 0);
    assert_null(name_list_add_form(&names, NAME_OF_CHANNEL, &form, "channel"));
    assert_int_equal(names.count, 2);
    assert_string_equal(names.names[0], "a,b");
    assert_string_equal(names.names[1], "c d");
    assert_null(name_list_add_json(&names, NAME_OF_CHANNEL, one));
    assert_int_equal(names.count, 3);
    name_list_release(&names);
    h2_form_release(&form);
    json_decref(one);
}

static void test_faulty_channels(void **state)
{
    static const char *const faulty[] = {"", "a\nb", "a\tb", "\x7f", "\x1b"};

    (void)state;
    for (size_t i = 0; i < sizeof(faulty) / sizeof(faulty[0]); i++) {
        json_t *array = json_pack("[s,s]", "fine", faulty[i]);
        struct name_list names = {0};

        assert_non_null(name_list_add_json(&names, NAME_OF_CHANNEL, array));
        name_list_release(&names);
        json_decref(array);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_faulty_lists),
        cmocka_unit_test(test_what_is_no_name_may_be_left_out),
        cmocka_unit_test(test_array),
        cmocka_unit_test(test_channels),
        cmocka_unit_test(test_faulty_channels),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
