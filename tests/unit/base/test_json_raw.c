/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json_raw.h"
#include "support/test.h"

static void assert_compact(const char *text, const char *expected)
{
    const size_t length = strlen(text);
    char *compact = malloc(length + 1);
    size_t at = 0, written = 0;

    assert_null(json_raw_read(text, length, &at, compact, &written));
    compact[written] = '\0';
    assert_string_equal(compact, expected);
    assert_true(json_raw_is_value(text, length));
    free(compact);
}

static void test_tokens_stay(void **state)
{
    static const char *const texts[] = {
        "0",
        "-0",
        "-0.0e+00",
        "1E400",
        "1.10",
        "123456789012345678901234567890",
        "0.1000000000000000055511151231257827",
        "true",
        "false",
        "null",
        "\"\"",
        "\"\\u0000\\u00e9\\u00E9\\/\\\"\\\\\\b\\f\\n\\r\\t\"",
        "\"\\ud800\\udfff\\udc00x\\ud83d\\ude00\"",
        "\"\xc3\xa9\xe2\x80\xa8\xf0\x9f\x98\x80\x7f\"",
        "{}",
        "[]",
        "{\"a\":1,\"a\":2,\"\":{},\"\\u0061\":[]}",
        "[[],{},[{\"a\":[null]}],\"x y\"]",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_compact(texts[i], texts[i]);
    assert_compact(" \t\r\n{ \"a b\" :\n[ 1 , \"c  d\" ]\r,\"e\":{ } } \n",
                   "{\"a b\":[1,\"c  d\"],\"e\":{}}");
}

/* Nothing of what follows a value is read; where it is wrong is told. */
static void test_where(void **state)
{
    static const struct {
        const char *text;
        size_t at;
        const char *part; /* NULL: nothing is wrong */
    } cases[] = {
        {"1,2", 1, NULL},
        {"\"a\"}", 3, NULL},
        {"[1] x", 3, NULL},
        {"", 0, "a JSON value"},
        {"  ", 2, "a JSON value"},
        {"x", 0, "a JSON value"},
        {"tru", 0, "a JSON value"},
        {"nul", 0, "a JSON value"},
        {"NaN", 0, "a JSON value"},
        {"+1", 0, "a JSON value"},
        {".1", 0, "a JSON value"},
        {"01", 0, "leading zeros"},
        {"-", 0, "digits"},
        {"-x", 0, "digits"},
        {"1.", 0, "behind the point"},
        {"1.e1", 0, "behind the point"},
        {"1e", 0, "exponent"},
        {"1e+", 0, "exponent"},
        {"'a'", 0, "a JSON value"},
        {"\"a", 2, "no end"},
        {"\"a\\", 2, "invalid escape"},
        {"\"\\x\"", 1, "invalid escape"},
        {"\"\\u12\"", 1, "invalid escape"},
        {"\"\\u12g4\"", 1, "invalid escape"},
        {"\"\\u123", 1, "invalid escape"},
        {"\"a\nb\"", 2, "control character"},
        {"\"a\x01\"", 2, "control character"},
        {"\"a\xff\"", 2, "UTF-8"},
        {"\"a\xed\xa0\x80\"", 2, "UTF-8"},
        {"\"\xc0\x80\"", 1, "UTF-8"},
        {"\"\xe2\x80", 1, "UTF-8"},
        {"[", 1, "a JSON value"},
        {"[1", 2, "',' or ']'"},
        {"[1 2]", 3, "',' or ']'"},
        {"[1,]", 3, "a JSON value"},
        {"[,1]", 1, "a JSON value"},
        {"[1}", 2, "',' or ']'"},
        {"{", 1, "a key"},
        {"{1:2}", 1, "a key"},
        {"{\"a\"}", 4, "':'"},
        {"{\"a\":}", 5, "a JSON value"},
        {"{\"a\":1", 6, "',' or '}'"},
        {"{\"a\":1,}", 7, "a key"},
        {"{\"a\":1]", 6, "',' or '}'"},
        {"{\"a\" 1}", 5, "':'"},
        {"/**/1", 0, "a JSON value"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const size_t length = strlen(cases[i].text);
        /* of exactly that size: who reads behind the end is seen */
        char *text = malloc(length + (length == 0));
        size_t at = 0, written;
        const char *wrong;

        memcpy(text, cases[i].text, length);
        wrong = json_raw_read(text, length, &at, NULL, &written);
        assert_int_equal(at, cases[i].at);
        if (cases[i].part) {
            assert_non_null(wrong);
            assert_non_null(strstr(wrong, cases[i].part));
        } else {
            assert_null(wrong);
        }
        assert_false(json_raw_is_value(text, length));
        free(text);
    }
}

static void test_nul_bytes(void **state)
{
    static const char *const texts[] = {"\0", "\"\0\"", "[\0]", "1\0"};
    static const size_t lengths[] = {1, 3, 3, 2};

    (void)state;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
        assert_false(json_raw_is_value(texts[i], lengths[i]));
}

static void test_depth(void **state)
{
    char text[2 * (JSON_RAW_MAX_DEPTH + 1)];
    size_t at, written;

    (void)state;
    for (size_t depth = JSON_RAW_MAX_DEPTH - 1; depth <= JSON_RAW_MAX_DEPTH + 1; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        assert_int_equal(json_raw_is_value(text, 2 * depth), depth <= JSON_RAW_MAX_DEPTH);
    }
    at = 0;
    assert_non_null(strstr(json_raw_read(text, sizeof(text), &at, NULL, &written), "512 levels"));
    assert_int_equal(at, JSON_RAW_MAX_DEPTH);
}

/* Objects and arrays in turn: each is closed by its own bracket. */
static void test_levels_are_told_apart(void **state)
{
    struct buf text = BUF_INIT;

    (void)state;
    for (unsigned i = 0; i < JSON_RAW_MAX_DEPTH / 2; i++)
        buf_append_str(&text, "{\"a\":[");
    for (unsigned i = 0; i < JSON_RAW_MAX_DEPTH / 2; i++)
        buf_append_str(&text, "]}");
    assert_true(json_raw_is_value(text.data, text.length));
    text.data[text.length - 1] = ']';
    assert_false(json_raw_is_value(text.data, text.length));
    buf_release(&text);
}

static void assert_text(const char *raw, const char *expected, size_t length)
{
    char text[64];

    assert_int_equal(json_raw_text(raw, strlen(raw), text), length);
    assert_memory_equal(text, expected, length);
}

static void test_text(void **state)
{
    (void)state;
    assert_text("\"\"", "", 0);
    assert_text("\"a b\"", "a b", 3);
    assert_text("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8);
    assert_text("\"\\u0000\"", "\0", 1);
    assert_text("\"\\u007f\\u0080\\u07ff\\u0800\\uffff\"",
                "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf", 11);
    assert_text("\"\\ud83d\\ude00\\uD83D\\uDE00\"", "\xf0\x9f\x98\x80\xf0\x9f\x98\x80", 8);
    assert_text("\"\\ud800\\udc00\\udbff\\udfff\"", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 8);
    assert_text("\"\\ud800\"", "\xef\xbf\xbd", 3);
    assert_text("\"\\udc00\"", "\xef\xbf\xbd", 3);
    assert_text("\"\\ud800x\"", "\xef\xbf\xbdx", 4);
    assert_text("\"\\ud800\\n\"", "\xef\xbf\xbd\n", 4);
    assert_text("\"\\ud800\\u0041\"", "\xef\xbf\xbd\x41", 4);
    assert_text("\"\\ud800\\ud83d\\ude00\"", "\xef\xbf\xbd\xf0\x9f\x98\x80", 7);
    assert_text("\"\xc3\xa9\xf0\x9f\x98\x80\"", "\xc3\xa9\xf0\x9f\x98\x80", 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens_stay),
        cmocka_unit_test(test_where),
        cmocka_unit_test(test_nul_bytes),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_levels_are_told_apart),
        cmocka_unit_test(test_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
