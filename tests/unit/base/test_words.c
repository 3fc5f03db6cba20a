/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/text.h"
#include "support/test.h"

static void words_are_parted_by_commas(void **state)
{
    static const char *const cases[][2] = {
        {"", ""},       {"a", "<a>"},       {"a,b", "<a><b>"},      {" a , b ", "<a><b>"},
        {",,", ""},     {"a,,b", "<a><b>"}, {"a b, c", "<a b><c>"}, {" , a", "<a>"},
        {"a, ", "<a>"}, {"\t a\t", "<a>"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *rest = cases[i][0];
        struct buf found = BUF_INIT;
        struct word word;

        while (words_next(&rest, &word))
            buf_printf(&found, "<%.*s>", (int)word.length, word.text);
        assert_string_equal(buf_str(&found), cases[i][1]);
        buf_release(&found);
    }
}

static void a_word_is_found_whole(void **state)
{
    (void)state;
    assert_true(words_have("send, query", "query"));
    assert_true(words_have("send, query", "send"));
    assert_false(words_have("send, query", "quer"));
    assert_false(words_have("send, query", "query "));
    assert_false(words_have("send, query", ""));
    assert_false(words_have("", "send"));
}

static void words_are_counted(void **state)
{
    (void)state;
    assert_int_equal(words_count(""), 0);
    assert_int_equal(words_count(" , "), 0);
    assert_int_equal(words_count("a, b,,c"), 3);
}

static void words_are_bits_by_their_place(void **state)
{
    static const char *const known[] = {"send", "query", "metrics"};
    struct word unknown = {NULL, 0};
    unsigned mask;

    (void)state;
    assert_true(words_mask("metrics, send,send", known, 3, &mask, &unknown));
    assert_int_equal(mask, 5);
    assert_true(words_mask("", known, 3, &mask, &unknown));
    assert_int_equal(mask, 0);
    assert_null(unknown.text);
    assert_false(words_mask("send, quer, other", known, 3, &mask, &unknown));
    assert_true(word_is(&unknown, "quer"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_parted_by_commas),
        cmocka_unit_test(a_word_is_found_whole),
        cmocka_unit_test(words_are_counted),
        cmocka_unit_test(words_are_bits_by_their_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
