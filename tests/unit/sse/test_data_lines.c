/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/buf.h"
#include "sse/data_lines.h"
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_longest_line),
        cmocka_unit_test(test_longest_token),
        cmocka_unit_test(test_break),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
