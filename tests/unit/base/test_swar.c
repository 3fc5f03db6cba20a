/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>

#include "base/json_raw.h"
#include "base/text.h"
#include "support/test.h"

/* Each byte at each place among others. */
static void each_byte(void (*check)(const char *text, unsigned place, unsigned byte))
{
    for (unsigned other = 0; other < 2; other++) {
        for (unsigned place = 0; place < SWAR_SIZE; place++) {
            for (unsigned byte = 0; byte <= UCHAR_MAX; byte++) {
                char text[SWAR_SIZE];

                memset(text, other ? '~' : ' ', sizeof(text));
                text[place] = (char)byte;
                check(text, place, byte);
            }
        }
    }
}

static void check_words(const char *text, unsigned place, unsigned byte)
{
    const uint64_t bytes = swar_load(text);

    (void)place;
    assert_int_equal(swar_is_ascii(bytes), byte < 0x80);
    assert_int_equal(swar_has(bytes, '"'), byte == '"');
    assert_int_equal(swar_has(bytes, '\n'), byte == '\n');
    assert_int_equal(swar_has(bytes, 0), byte == 0);
    if (byte < 0x80)
        assert_int_equal(swar_has_below(bytes, ' '), byte < ' ');
}

static void test_words(void **state)
{
    (void)state;
    each_byte(check_words);
}

static void check_plain(const char *text, unsigned place, unsigned byte)
{
    const bool is_plain = byte >= ' ' && byte < 0x80 && byte != '"' && byte != '\\';

    (void)place;
    assert_int_equal(json_raw_plain(text, SWAR_SIZE), is_plain ? SWAR_SIZE : 0);
    assert_int_equal(json_raw_plain(text, SWAR_SIZE - 1), 0);
}

static void test_plain(void **state)
{
    (void)state;
    each_byte(check_plain);
}

static void check_valid(const char *text, unsigned place, unsigned byte)
{
    (void)place;
    assert_int_equal(utf8_is_valid(text, SWAR_SIZE), byte < 0x80);
}

static void test_valid(void **state)
{
    (void)state;
    each_byte(check_valid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_valid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
