/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/buf.h"
#include "broker/presence_event.h"
#include "support/test.h"

static struct bytes *text_of(const char *shown, const char *told, enum presence_telling telling)
{
    struct buf one = BUF_INIT, other = BUF_INIT;

    buf_append_str(&one, shown);
    buf_append_str(&other, told);
    return presence_text_new(&one, &other, telling);
}

static void expect_parts(struct bytes *text, const char *shown, const char *told,
                         const char *told_without_token)
{
    struct buf part = BUF_INIT;

    presence_text_append_shown(&part, text);
    assert_string_equal(buf_str(&part), shown);
    buf_clear(&part);
    presence_text_append_told(&part, text, true);
    assert_string_equal(buf_str(&part), told);
    buf_clear(&part);
    presence_text_append_told(&part, text, false);
    assert_string_equal(buf_str(&part), told_without_token);
    buf_release(&part);
    bytes_unref(text);
}

static void each_reader_gets_its_part(void **state)
{
    (void)state;
    expect_parts(text_of("{}", "", PRESENCE_TOLD), "{}", "{}", "{}");
    expect_parts(text_of("{}", "{\"id\":7}", PRESENCE_TOLD), "{}", "{\"id\":7}", "{\"id\":7}");
    expect_parts(text_of("{}", "{\"t\":1}", PRESENCE_TOLD_TOKEN), "{}", "{\"t\":1}", "{}");
}

static void some_are_not_told(void **state)
{
    struct bytes *text = text_of("{}", "", PRESENCE_NOT_TOLD);

    (void)state;
    assert_false(presence_text_is_told(text));
    assert_false(presence_text_is_told_apart(text));
    bytes_unref(text);
    text = text_of("{}", "", PRESENCE_TOLD);
    assert_true(presence_text_is_told(text));
    assert_false(presence_text_is_told_apart(text));
    assert_int_equal(text->length, 2); /* no byte more than what is shown */
    bytes_unref(text);
    text = text_of("{}", "[]", PRESENCE_TOLD);
    assert_true(presence_text_is_told(text));
    assert_true(presence_text_is_told_apart(text));
    bytes_unref(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_reader_gets_its_part),
        cmocka_unit_test(some_are_not_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
