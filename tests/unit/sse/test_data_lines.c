/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/buf.h"
#include "sse/event.h"
#include "support/test.h"

static size_t longest_line(const char *text)
{
    return sse_data_longest_line(text, strlen(text));
}

static size_t longest_token(const char *raw)
{
    return sse_data_longest_token(raw, strlen(raw));
}

static void test_longest_line(void **state)
{
    (void)state;
    assert_int_equal(longest_line(""), 0);
    assert_int_equal(longest_line("abc"), 3);
    assert_int_equal(longest_line("\n"), 0);
    assert_int_equal(longest_line("ab\rcde\nf"), 3);
    assert_int_equal(longest_line("ab\r\n\r\ncdef"), 4);
}

static void test_line_length(void **state)
{
    char text[40];

    (void)state;
    for (size_t length = 0; length < sizeof(text); length++) {
        for (size_t end = 0; end < length; end++) {
            memset(text, 'a', length);
            text[end] = end % 2 ? '\r' : '\n';
            text[length - 1] = '\n';
            assert_int_equal(sse_data_longest_line(text, end), end);
            memset(text + end, '\n', length - end);
            assert_int_equal(sse_data_longest_line(text, length), end);
        }
    }
}

static void test_longest_token(void **state)
{
    (void)state;
    assert_int_equal(longest_token("1.50"), 4);
    assert_int_equal(longest_token("[]"), 1);
    assert_int_equal(longest_token("{\"a\":true,\"b\":[1,-2e10]}"), 5);
    assert_int_equal(longest_token("[\"a\\\"],[\\\\\",1]"), 10);
}

static void assert_broken(const char *raw, size_t most, const char *expected)
{
    struct buf to = BUF_INIT;

    sse_data_break(&to, raw, strlen(raw), most);
    assert_string_equal(buf_str(&to), expected);
    buf_release(&to);
}

static void test_break(void **state)
{
    (void)state;
    assert_broken("[1,2]", 5, "[1,2]");
    assert_broken("[1,2]", 4, "[1,2\n]");
    assert_broken("[1,2]", 2, "[1\n,2\n]");
    assert_broken("{\"a\":\"long, too\",\"b\":null}", 8, "{\"a\":\n\"long, too\"\n,\"b\":\nnull}");
    assert_broken("\"long\"", 2, "\"long\"");
    assert_broken("[\"a\\\"]\",1]", 4, "[\n\"a\\\"]\"\n,1]");
}

static void assert_cut(const char *raw, size_t most, const char *expected)
{
    struct buf to = BUF_INIT;

    sse_data_shorten(&to, raw, strlen(raw), most);
    assert_string_equal(buf_str(&to), expected);
    buf_release(&to);
}

static void test_shorten(void **state)
{
    (void)state;
    assert_cut("{\"a\":\"0123456789abcd\"}", 16, "{\"a\":\"0123456789abcd\"}");
    assert_cut("{\"a\":\"0123456789abcde\",\"b\":1}", 16, "{\"a\":\"0123456789a\u2026\",\"b\":1}");
    assert_cut("[\"0123456789\\\"bcdefg\"]", 16, "[\"0123456789\u2026\"]");
    assert_cut("[\"012345\\u0001bcdefg\"]", 16, "[\"012345\u2026\"]");
    assert_cut("[\"0123456\xf0\x9f\x98\x80xyzxyz\"]", 16, "[\"0123456\xf0\x9f\x98\x80\u2026\"]");
    assert_cut("[\"01234567\xf0\x9f\x98\x80xyzxyz\"]", 16, "[\"01234567\u2026\"]");
    assert_cut("[12345678901234567890]", 16, "[12345678901234567890]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_longest_line),  cmocka_unit_test(test_line_length),
        cmocka_unit_test(test_longest_token), cmocka_unit_test(test_break),
        cmocka_unit_test(test_shorten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
