/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "broker/presence_event.h"
#include "support/test.h"

static struct bytes *traced(const char *shown, const char *told, enum presence_telling telling,
                            const char *traceparent)
{
    struct buf one = BUF_INIT, other = BUF_INIT;

    buf_append_str(&one, shown);
    buf_append_str(&other, told);
    return presence_text_new(&one, &other, telling, traceparent);
}

static struct bytes *text_of(const char *shown, const char *told, enum presence_telling telling)
{
    return traced(shown, told, telling, "");
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

static void one_knows_the_request_that_it_comes_of(void **state)
{
    static const char trace[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    static const char *const tolds[] = {"", "{\"id\":7}"};
    struct bytes *text = text_of("{}", "", PRESENCE_TOLD);

    (void)state;
    assert_string_equal(presence_text_traceparent(text), "");
    bytes_unref(text);
    text = text_of("{}", "[]", PRESENCE_TOLD);
    assert_string_equal(presence_text_traceparent(text), "");
    bytes_unref(text);
    for (size_t i = 0; i < COUNT(tolds); i++) {
        const bool is_apart = *tolds[i] != '\0';
        const char *told = is_apart ? tolds[i] : "{}";

        text = traced("{}", tolds[i], PRESENCE_TOLD, trace);
        assert_string_equal(presence_text_traceparent(text), trace);
        assert_true(presence_text_is_told(text));
        assert_int_equal(presence_text_is_told_apart(text), is_apart);
        expect_parts(text, "{}", told, told);
    }
    text = traced("{}", "{\"t\":1}", PRESENCE_TOLD_TOKEN, trace);
    expect_parts(text, "{}", "{\"t\":1}", "{}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_reader_gets_its_part),
        cmocka_unit_test(some_are_not_told),
        cmocka_unit_test(one_knows_the_request_that_it_comes_of),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
