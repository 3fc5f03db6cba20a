/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>

#include "base/buf.h"
#include "base/json.h"
#include "sse/user.h"
#include "support/test.h"

static void expect(const char *text, const char *json)
{
    struct buf buf = BUF_INIT;

    json_text_string(&buf, text);
    assert_string_equal(buf_str(&buf), json);
    buf_release(&buf);
}

static void test_plain_texts(void **state)
{
    (void)state;
    expect("", "\"\"");
    expect("hello", "\"hello\"");
    expect("h\xc3\xa4llo \xf0\x9f\x98\x80", "\"h\xc3\xa4llo \xf0\x9f\x98\x80\"");
}

static void test_what_must_be_escaped(void **state)
{
    (void)state;
    expect("a\"b\\c", "\"a\\\"b\\\\c\"");
    expect("\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\"");
    expect("\x01\x1f", "\"\\u0001\\u001f\"");
}

static void test_ill_formed_texts_become_json_all_the_same(void **state)
{
    (void)state;
    expect("a\xff"
           "b",
           "\"a\xef\xbf\xbd"
           "b\"");
    expect("\xc3", "\"\xef\xbf\xbd\"");
    expect("\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}

static void test_every_octet_survives_a_parser(void **state)
{
    (void)state;
    for (unsigned c = 1; c < 256; c++) {
        const char text[] = {'x', (char)c, 'y', '\0'};
        struct buf buf = BUF_INIT;
        json_t *value;

        json_text_string(&buf, text);
        value = json_loadb(buf_str(&buf), buf.length, JSON_DECODE_ANY, NULL);
        assert_non_null(value);
        if (c < 128)
            assert_string_equal(json_string_value(value), text);
        json_decref(value);
        buf_release(&buf);
    }
}

static void test_numbers(void **state)
{
    struct buf buf = BUF_INIT;

    (void)state;
    json_text_number(&buf, 0);
    buf_append_char(&buf, ' ');
    json_text_number(&buf, UINT64_MAX);
    assert_string_equal(buf_str(&buf), "0 18446744073709551615");
    buf_release(&buf);
}

static void test_users(void **state)
{
    struct buf buf = BUF_INIT;

    (void)state;
    json_text_user(&buf, "4\"2");
    json_text_user(&buf, "red\x1f"
                         "42");
    json_text_user(&buf, "\x1f"
                         "42");
    json_text_user_members(&buf, "42");
    assert_string_equal(buf_str(&buf), "\"4\\\"2\"{\"userId\":\"42\",\"tenantId\":\"red\"}"
                                       "{\"userId\":\"42\",\"tenantId\":\"\"},\"userId\":\"42\"");
    buf_release(&buf);
}

static void test_members_and_their_commas(void **state)
{
    struct buf buf = BUF_INIT;

    (void)state;
    json_text_next(&buf);
    buf_append_char(&buf, '{');
    json_text_member(&buf, "a", "x{");
    json_text_member(&buf, "b", NULL);
    buf_append_str(&buf, ",\"c\":[");
    for (unsigned i = 0; i < 3; i++) {
        json_text_next(&buf);
        json_text_number(&buf, i);
    }
    buf_append_str(&buf, "],");
    json_text_member(&buf, "d", "");
    buf_append_char(&buf, '}');
    assert_string_equal(buf_str(&buf), "{\"a\":\"x{\",\"b\":null,\"c\":[0,1,2],\"d\":\"\"}");
    buf_release(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_texts),
        cmocka_unit_test(test_what_must_be_escaped),
        cmocka_unit_test(test_ill_formed_texts_become_json_all_the_same),
        cmocka_unit_test(test_every_octet_survives_a_parser),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_users),
        cmocka_unit_test(test_members_and_their_commas),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
