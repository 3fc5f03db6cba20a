/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "h2/uri.h"
#include "support/test.h"

static struct h2_form parse(const char *text)
{
    struct h2_form form;
    size_t at;

    assert_int_equal(h2_form_parse(&form, text, strlen(text), &at), 0);
    return form;
}

static void assert_refused(const char *text, size_t length, int expected, size_t expected_at)
{
    struct h2_form form;
    size_t at = SIZE_MAX;

    assert_int_equal(h2_form_parse(&form, text, length, &at), expected);
    assert_int_equal(at, expected_at);
    assert_int_equal(form.count, 0);
    assert_null(h2_form_get(&form, "a"));
    h2_form_release(&form);
}

static void assert_value(const char *text, const char *name, const char *expected)
{
    struct h2_form form = parse(text);
    const char *value = h2_form_get(&form, name);

    if (expected) {
        assert_non_null(value);
        assert_string_equal(value, expected);
    } else {
        assert_null(value);
    }
    h2_form_release(&form);
}

static void finds_values(void **state)
{
    (void)state;
    assert_value("userId=7&name=Ann", "userId", "7");
    assert_value("userId=7&name=Ann", "name", "Ann");
    assert_value("userId=7&name=Ann", "nam", NULL);
    assert_value("a=b=c", "a", "b=c");
    assert_value("a", "a", "");
    assert_value("a=", "a", "");
    assert_value("=b", "", "b");
    assert_value("=", "", "");
    assert_value("", "a", NULL);
}

static void decodes_names_and_values_once(void **state)
{
    (void)state;
    assert_value("a+b=c+d", "a b", "c d");
    assert_value("%61%2B=%26%3d%25", "a+", "&=%");
    assert_value("a=%2541", "a", "%41");
    assert_value("a=%0d%0A", "a", "\r\n");
    assert_value("a=%E2%82%AC\xc3\xa9", "a", "\xe2\x82\xac\xc3\xa9");
}

static void keeps_the_order_and_the_first(void **state)
{
    struct h2_form form = parse("b=1&a=2&b=3");

    (void)state;
    assert_int_equal(form.count, 3);
    assert_string_equal(form.fields[0].name, "b");
    assert_string_equal(form.fields[1].name, "a");
    assert_string_equal(form.fields[2].value, "3");
    assert_string_equal(h2_form_get(&form, "b"), "1");
    h2_form_release(&form);
}

static void skips_empty_pieces(void **state)
{
    struct h2_form form = parse("&&a=1&&&b&");

    (void)state;
    assert_int_equal(form.count, 2);
    h2_form_release(&form);
}

static void tells_where_the_fault_is(void **state)
{
    (void)state;
    assert_refused("a=%", 3, -EINVAL, 2);
    assert_refused("a=%4", 4, -EINVAL, 2);
    assert_refused("x=1&a=b%zzc", 11, -EINVAL, 7);
    assert_refused("a%00=1", 6, -EINVAL, 1);
    assert_refused("a=b\0c", 5, -EINVAL, 3);
    assert_refused("a=%41%ff", 8, -EINVAL, 5);
    assert_refused("a=%41\xff%41", 9, -EINVAL, 5);
    assert_refused("x=1&%c3%a9%c0%af=1", 18, -EINVAL, 10);
    assert_refused("a=%e2%82&b=%ac", 14, -EINVAL, 2);
}

static void bounds_the_number_of_fields(void **state)
{
    struct buf text = BUF_INIT;
    struct h2_form form;
    size_t at = 0;

    (void)state;
    for (size_t i = 0; i < H2_FORM_MAX_FIELDS; i++)
        buf_append_str(&text, "a=1&");
    assert_int_equal(h2_form_parse(&form, text.data, text.length, &at), 0);
    assert_int_equal(form.count, H2_FORM_MAX_FIELDS);
    h2_form_release(&form);
    buf_append_str(&text, "b");
    assert_refused(text.data, text.length, -E2BIG, text.length - 1);
    buf_release(&text);
}

static void is_made_of_names_and_values(void **state)
{
    struct h2_form_maker maker = {.texts = BUF_INIT};
    struct h2_form form;

    (void)state;
    assert_int_equal(h2_form_make(&form, &maker), 0);
    assert_int_equal(form.count, 0);
    h2_form_add(&maker, "a", "1 %41+");
    h2_form_add(&maker, "b", "");
    h2_form_add(&maker, "a", "2");
    assert_int_equal(h2_form_make(&form, &maker), 0);
    assert_int_equal(form.count, 3);
    assert_string_equal(h2_form_get(&form, "a"), "1 %41+");
    assert_string_equal(h2_form_get(&form, "b"), "");
    assert_string_equal(form.fields[2].value, "2");
    h2_form_release(&form);

    maker = (struct h2_form_maker){.texts = BUF_INIT};
    for (size_t i = 0; i <= H2_FORM_MAX_FIELDS; i++)
        h2_form_add(&maker, "a", "1");
    assert_int_equal(h2_form_make(&form, &maker), -E2BIG);
    assert_int_equal(form.count, 0);
}

static void zero_filled_is_empty(void **state)
{
    struct h2_form form = {0};

    (void)state;
    assert_null(h2_form_get(&form, ""));
    h2_form_release(&form);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_values),
        cmocka_unit_test(decodes_names_and_values_once),
        cmocka_unit_test(keeps_the_order_and_the_first),
        cmocka_unit_test(skips_empty_pieces),
        cmocka_unit_test(tells_where_the_fault_is),
        cmocka_unit_test(bounds_the_number_of_fields),
        cmocka_unit_test(is_made_of_names_and_values),
        cmocka_unit_test(zero_filled_is_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
