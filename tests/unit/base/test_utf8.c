/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>

#include "base/text.h"
#include "support/test.h"

static void every_code_point_is_judged_right(void **state)
{
    (void)state;
    for (uint32_t code = 0; code < 0x1FFFFF; code++) {
        bool good = code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
        char text[4];
        size_t length = utf8_encode(code, text);

        if (utf8_char_length(text, length) != (good ? length : 0))
            fail_msg("U+%04X", code);
    }
}

static void a_cut_character_is_none(void **state)
{
    static const uint32_t codes[] = {0x80, 0x800, 0x10000, 0x10FFFF};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        char text[4];
        size_t length = utf8_encode(codes[i], text);

        for (size_t cut = 0; cut < length; cut++)
            assert_int_equal(utf8_char_length(text, cut), 0);
    }
}

static void overlong_forms_are_refused(void **state)
{
    (void)state;
    assert_false(utf8_is_valid("\xC0\x80", 2));
    assert_false(utf8_is_valid("\xC1\xBF", 2));
    assert_false(utf8_is_valid("\xE0\x9F\xBF", 3));
    assert_false(utf8_is_valid("\xF0\x8F\xBF\xBF", 4));
}

static void broken_sequences_are_refused(void **state)
{
    (void)state;
    assert_false(utf8_is_valid("\x80", 1));
    assert_false(utf8_is_valid("\xC3(", 2));
    assert_false(utf8_is_valid("\xE2\x82(", 3));
    assert_false(utf8_is_valid("\xE2(\xAC", 3));
    assert_false(utf8_is_valid("\xF0\x9F\x98(", 4));
    assert_false(utf8_is_valid("\xFE", 1));
    assert_false(utf8_is_valid("\xFF", 1));
    assert_false(utf8_is_valid("good, then \xE2\x82", 13));
}

static void texts_are_judged_as_a_whole(void **state)
{
    (void)state;
    assert_true(utf8_is_valid("", 0));
    assert_true(utf8_is_valid("a\0b", 3));
    assert_true(utf8_is_valid("gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80", 15));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point_is_judged_right),
        cmocka_unit_test(a_cut_character_is_none),
        cmocka_unit_test(overlong_forms_are_refused),
        cmocka_unit_test(broken_sequences_are_refused),
        cmocka_unit_test(texts_are_judged_as_a_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
