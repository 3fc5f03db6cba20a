/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/text.h"
#include "support/test.h"

static void assert_accepted(const char *text, size_t length)
{
    struct json_fault fault = {0};
    json_t *value = json_parse(text, length, &fault);

    if (value == NULL)
        fail_msg("%.60s: %u:%u %s", text, fault.line, fault.column, fault.message);
    json_decref(value);
}

static struct json_fault fault_of(const char *text, size_t length)
{
    struct json_fault fault = {0};
    json_t *value = json_parse(text, length, &fault);

    if (value != NULL)
        fail_msg("accepted: %.60s", text);
    assert_true(fault.line >= 1);
    assert_true(fault.column >= 1);
    assert_true(fault.message[0] != '\0');
    assert_true(utf8_is_valid(fault.message, strlen(fault.message)));
    return fault;
}

static void assert_fault(const char *text, unsigned line, unsigned column, const char *part)
{
    struct json_fault fault = fault_of(text, strlen(text));

    if (strstr(fault.message, part) == NULL)
        fail_msg("%s: \"%s\" lacks \"%s\"", text, fault.message, part);
    assert_int_equal(fault.line, line);
    assert_int_equal(fault.column, column);
}

/* opening n times, then what is inside, then closing n times */
static void nest(struct buf *to, const char *opening, const char *closing, unsigned times)
{
    buf_clear(to);
    for (unsigned i = 0; i < times; i++)
        buf_append_str(to, opening);
    buf_append_str(to, "1");
    for (unsigned i = 0; i < times; i++)
        buf_append_str(to, closing);
}

static void any_value_may_stand_alone(void **state)
{
    static const char *const texts[] = {
        "{}",     "[]",   "null", "true", "false",    "0",
        "-1.5e3", "\"\"", " 7",   "7\n",  "\t[ 1 ] ", "{\"a\":[{\"b\":null}]}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_accepted(texts[i], strlen(texts[i]));
}

static void nothing_has_its_own_message(void **state)
{
    (void)state;
    assert_fault("", 1, 1, "there is nothing");
    assert_fault(" \n ", 2, 2, "there is nothing");
}

static void values_are_what_was_written(void **state)
{
    const char *text = "{\"n\":9223372036854775807,\"s\":\"\\uD83D\\uDE00\\\\u0000\"}";
    struct json_fault fault;
    json_t *value = json_parse(text, strlen(text), &fault);

    (void)state;
    assert_non_null(value);
    assert_true(json_integer_value(json_object_get(value, "n")) == INT64_MAX);
    assert_string_equal(json_string_value(json_object_get(value, "s")), "\xF0\x9F\x98\x80\\u0000");
    json_decref(value);
}

static void the_length_counts_not_a_nul(void **state)
{
    (void)state;
    assert_accepted("[1]garbage", 3);
    fault_of("[1]", 2);
}

static void depth_is_bounded(void **state)
{
    struct buf text = BUF_INIT;
    struct json_fault fault;

    (void)state;
    nest(&text, "[", "]", 32);
    assert_accepted(text.data, text.length);
    nest(&text, "{\"a\":", "}", 32);
    assert_accepted(text.data, text.length);
    nest(&text, "[", "]", 33);
    fault = fault_of(text.data, text.length);
    assert_non_null(strstr(fault.message, "deep"));
    assert_int_equal(fault.column, 33);
    nest(&text, "{\"a\":", "}", 33);
    fault = fault_of(text.data, text.length);
    assert_non_null(strstr(fault.message, "deep"));
    nest(&text, "[", "]", 100000);
    fault_of(text.data, text.length);
    nest(&text, "{[", "", 100000);
    fault_of(text.data, text.length);
    buf_release(&text);
}

static void numbers(struct buf *to, unsigned count)
{
    buf_clear(to);
    buf_append_char(to, '[');
    for (unsigned i = 0; i < count; i++)
        buf_append_str(to, i == 0 ? "1" : ",1");
    buf_append_char(to, ']');
}

static void members(struct buf *to, unsigned count)
{
    buf_clear(to);
    buf_append_char(to, '{');
    for (unsigned i = 0; i < count; i++)
        buf_printf(to, "%s\"k%u\":\"v\"", i == 0 ? "" : ",", i);
    buf_append_char(to, '}');
}

static void width_is_bounded(void **state)
{
    struct buf text = BUF_INIT;
    struct json_fault fault;

    (void)state;
    numbers(&text, 10000);
    assert_accepted(text.data, text.length);
    numbers(&text, 10001);
    fault = fault_of(text.data, text.length);
    assert_non_null(strstr(fault.message, "too many"));
    members(&text, 10000);
    assert_accepted(text.data, text.length);
    members(&text, 10001);
    fault = fault_of(text.data, text.length);
    assert_non_null(strstr(fault.message, "too many"));
    buf_release(&text);
}

static void brackets_in_strings_do_not_count(void **state)
{
    const char *text = "[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[[[\",1]";

    (void)state;
    assert_accepted(text, strlen(text));
}

static void duplicate_keys_are_refused(void **state)
{
    (void)state;
    assert_fault("{\"a\":1,\n \"a\":2}", 2, 4, "duplicate");
    fault_of("{\"a\":1,\"\\u0061\":2}", 17);
}

static void nul_is_refused(void **state)
{
    struct json_fault fault;

    (void)state;
    assert_fault("[\"a\\u0000\"]", 1, 4, "\\u0000");
    assert_fault("{\"\\u0000\":1}", 1, 3, "\\u0000");
    fault = fault_of("[\"a\0b\"]", 7);
    assert_int_equal(fault.column, 4);
    assert_non_null(strstr(fault.message, "NUL"));
    fault_of("[1\0]", 4);
    fault_of("[1]\0", 4);
    fault_of("\0", 1);
}

static void bad_utf8_is_refused_where_it_stands(void **state)
{
    (void)state;
    assert_fault("[\"\xC3\xA9\",\n\"\xC3(\"]", 2, 2, "UTF-8");
    assert_fault("\xFF", 1, 1, "UTF-8");
    assert_fault("[\"\xED\xA0\x80\"]", 1, 3, "UTF-8");
    assert_fault("[\"\\\xE2\x82\"]", 1, 4, "UTF-8");
}

static void lone_surrogates_are_refused(void **state)
{
    (void)state;
    fault_of("\"\\uD800\"", 8);
    fault_of("\"\\uDC00\"", 8);
    fault_of("\"\\uD800\\u0041\"", 14);
}

static void numbers_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    assert_accepted("-9223372036854775808", 20);
    assert_fault("9223372036854775808", 1, 19, "big");
    assert_fault("-9223372036854775809", 1, 20, "big");
    assert_fault("[1e400]", 1, 6, "overflow");
    assert_fault("-1e400", 1, 6, "overflow");
}

static void nothing_may_follow_the_value(void **state)
{
    (void)state;
    assert_fault("{} x", 1, 4, "end of file expected");
    assert_fault("[1]]", 1, 4, "end of file expected");
    assert_fault("1 2", 1, 3, "end of file expected");
}

static void columns_count_bytes(void **state)
{
    (void)state;
    assert_fault("[\"\xC3\xA9\", x]", 1, 8, "x");
}

static void broken_texts_are_refused(void **state)
{
    static const char *const texts[] = {
        "{",     "[",       "]",     "}",        "\"",    "\"\\",    "\"\\u12", "[1,]",
        "[,1]",  "{\"a\"}", "{1:2}", "{\"a\":}", "[1 2]", "nul",     "NaN",     "Infinity",
        "01",    "+1",      ".5",    "1.",       "-",     "'a'",     "\"\n\"",  "\"\\x\"",
        "{a:1}", "[1}",     "{]",    ":",        ",",     "// 1\n1", "\\",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        fault_of(texts[i], strlen(texts[i]));
}

/* Every prefix of a valid text is an error that is told, in memory that ends with the prefix. */
static void every_cut_is_refused(void **state)
{
    const char text[] = "{\"a\":[1.5e3,true,null,\"\\uD83D\\uDE00\xF0\x9F\x98\x80\"],\"b\":{}}";

    (void)state;
    assert_accepted(text, strlen(text));
    for (size_t length = 0; length < strlen(text); length++) {
        char *cut = malloc(length + 1);

        assert_non_null(cut);
        memcpy(cut, text, length);
        cut = realloc(cut, length > 0 ? length : 1);
        fault_of(cut, length);
        free(cut);
    }
}

static void a_long_fault_is_cut_at_a_character(void **state)
{
    struct buf text = BUF_INIT;

    (void)state;
    buf_append_str(&text, "{\"");
    for (int i = 0; i < 300; i++)
        buf_append_str(&text, "\xE2\x82\xAC");
    buf_append_str(&text, "\" x}");
    fault_of(text.data, text.length);
    buf_release(&text);
}

static const char *id_of(const char *text, char *buffer, size_t size)
{
    struct json_fault fault;
    json_t *value = json_parse(text, strlen(text), &fault);
    const char *id = json_id_text(value, buffer, size);

    json_decref(value);
    return id;
}

static void ids_are_strings_or_integers(void **state)
{
    char buffer[8];

    (void)state;
    assert_string_equal(id_of("7", buffer, sizeof(buffer)), "7");
    assert_string_equal(id_of("\"7\"", buffer, sizeof(buffer)), "7");
    assert_string_equal(id_of("-12", buffer, sizeof(buffer)), "-12");
    assert_string_equal(id_of("\"\"", buffer, sizeof(buffer)), "");
    assert_null(id_of("1.5", buffer, sizeof(buffer)));
    assert_null(id_of("true", buffer, sizeof(buffer)));
    assert_null(id_of("null", buffer, sizeof(buffer)));
    assert_null(id_of("[7]", buffer, sizeof(buffer)));
    assert_null(json_id_text(NULL, buffer, sizeof(buffer)));
}

static void ids_must_fit(void **state)
{
    char buffer[8];
    json_t *hidden = json_stringn("a\0b", 3);

    (void)state;
    assert_string_equal(id_of("\"1234567\"", buffer, sizeof(buffer)), "1234567");
    assert_null(id_of("\"12345678\"", buffer, sizeof(buffer)));
    assert_string_equal(id_of("1234567", buffer, sizeof(buffer)), "1234567");
    assert_null(id_of("12345678", buffer, sizeof(buffer)));
    assert_null(id_of("1", buffer, 0));
    assert_null(json_id_text(hidden, buffer, sizeof(buffer)));
    json_decref(hidden);
}

static void assert_without_nulls(const char *text, const char *left)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
    char *written;

    json_drop_nulls(value);
    written = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    assert_string_equal(written, left);
    free(written);
    json_decref(value);
}

static void nulls_are_dropped(void **state)
{
    (void)state;
    assert_without_nulls("{\"a\":null,\"b\":1,\"c\":null}", "{\"b\":1}");
    assert_without_nulls("{\"a\":null,\"b\":{\"c\":null}}", "{\"b\":{\"c\":null}}");
    assert_without_nulls("[{\"a\":null},null,1,{\"data\":null}]", "[{},null,1,{}]");
    assert_without_nulls("null", "null");
}

static const struct json_rules keeping = {.kept = "data"};

static void assert_kept(const char *text, const char *expected)
{
    struct json_fault fault;
    json_t *value = json_parse_by(&keeping, text, strlen(text), &fault);
    char *written;

    if (!value)
        fail_msg("%s: %u:%u %s", text, fault.line, fault.column, fault.message);
    written = json_dumps(value, JSON_COMPACT);
    assert_string_equal(written, expected);
    free(written);
    json_decref(value);
}

static void what_is_kept_is_its_tokens(void **state)
{
    (void)state;
    assert_kept("{\"data\":1.10}", "{\"data\":\"1.10\"}");
    assert_kept("{\"a\":1, \"data\" : [ 1 ,\n 99999999999999999999 ] , \"b\":2}",
                "{\"a\":1,\"data\":\"[1,99999999999999999999]\",\"b\":2}");
    assert_kept("{\"data\":null}", "{\"data\":\"null\"}");
    assert_kept("{\"data\":\"\\u0000\"}", "{\"data\":\"\\\"\\\\u0000\\\"\"}");
    assert_kept("[{\"data\":1},{\"x\":2},3,{\"data\":{}},{\"y\":0,\"data\":4}]",
                "[{\"data\":\"1\"},{\"x\":2},3,{\"data\":\"{}\"},{\"y\":0,\"data\":\"4\"}]");
    /* the key may be written otherwise */
    assert_kept("{\"d\\u0061ta\":7.0}", "{\"data\":\"7.0\"}");
    assert_kept("{\"\\u0064\\u0061\\u0074\\u0061\":7.0}", "{\"data\":\"7.0\"}");
    /* no other member, nor deeper down, nor a value of that name */
    assert_kept("{\"dat\":1,\"data2\":2,\"a\":\"data\",\"b\":[\"data\",{\"data\":3}]}",
                "{\"dat\":1,\"data2\":2,\"a\":\"data\",\"b\":[\"data\",{\"data\":3}]}");
    assert_kept("[[{\"data\":1}],{\"a\":{\"data\":1}}]", "[[{\"data\":1}],{\"a\":{\"data\":1}}]");
    assert_kept("\xef\xbb\xbf{\"data\":7}", "{\"data\":\"7\"}");
}

static void assert_kept_fault(const char *text, unsigned line, unsigned column, const char *part)
{
    struct json_fault fault;

    assert_null(json_parse_by(&keeping, text, strlen(text), &fault));
    if (!strstr(fault.message, part))
        fail_msg("%s: \"%s\" lacks \"%s\"", text, fault.message, part);
    assert_int_equal(fault.line, line);
    assert_int_equal(fault.column, column);
}

static void faults_around_what_is_kept_are_where_they_stand(void **state)
{
    (void)state;
    assert_kept_fault("{\"data\":[1,}", 1, 12, "a JSON value");
    assert_kept_fault("{\"data\":\n[\"\\x\"]}", 2, 3, "escape");
    assert_kept_fault("{\"data\":\"\xff\"}", 1, 10, "UTF-8");
    assert_kept_fault("{\"data\":", 1, 9, "a JSON value");
    assert_kept_fault("{\"data\":[1,\n2] \"a\":1}", 2, 6, "expected");
    assert_kept_fault("{\"data\":[1,\n[2]],\"a\":\"\\u0000\"}", 2, 11, "u0000");
    assert_kept_fault("{\"data\":1,\"data\":2}", 1, 16, "uplicate");
    assert_kept_fault("{\"data\":1,\"a\":99999999999999999999}", 1, 34, "big");
    assert_kept_fault("{\"a\":1,\"a\":2,\"data\":3}", 1, 10, "uplicate");
    assert_kept_fault("{\"data\":1}{\"data\":2}", 1, 11, "end of file");
    assert_kept_fault("{\"data\" 1}", 1, 9, "expected");
    assert_kept_fault("{\"data\"", 1, 7, "expected");
}

/* What is kept is not counted, and may be deeper. */
static void what_is_kept_has_no_width(void **state)
{
    struct json_fault fault;
    struct buf data = BUF_INIT, text = BUF_INIT;
    json_t *value;

    (void)state;
    numbers(&data, 20000);
    buf_printf(&text, "{\"data\":%s}", buf_str(&data));
    value = json_parse_by(&keeping, text.data, text.length, &fault);
    assert_string_equal(json_string_value(json_object_get(value, "data")), buf_str(&data));
    json_decref(value);
    nest(&data, "[", "]", 512);
    buf_clear(&text);
    buf_printf(&text, "[{\"data\":%s}]", buf_str(&data));
    value = json_parse_by(&keeping, text.data, text.length, &fault);
    assert_non_null(value);
    json_decref(value);
    nest(&data, "[", "]", 513);
    buf_clear(&text);
    buf_printf(&text, "[{\"data\":%s}]", buf_str(&data));
    assert_null(json_parse_by(&keeping, text.data, text.length, &fault));
    assert_non_null(strstr(fault.message, "512 levels"));
    buf_release(&data);
    buf_release(&text);
}

static void assert_wide(const struct buf *text, const char *part)
{
    struct json_fault fault;
    json_t *value =
        json_parse_by(&(struct json_rules){.is_wide = true}, text->data, text->length, &fault);

    assert_true((value != NULL) == (part == NULL));
    if (part)
        assert_non_null(strstr(fault.message, part));
    json_decref(value);
}

static void wide_counts_each_array(void **state)
{
    struct buf array = BUF_INIT, text = BUF_INIT;

    (void)state;
    numbers(&array, 10000);
    buf_printf(&text, "{\"a\":%s,\"b\":%s,\"c\":1}", buf_str(&array), buf_str(&array));
    assert_wide(&text, NULL);
    numbers(&array, 10001);
    buf_clear(&text);
    buf_printf(&text, "{\"a\":%s}", buf_str(&array));
    assert_wide(&text, "10000");
    /* but arrays take more than their length */
    buf_clear(&text);
    for (unsigned i = 0; i < 10000; i++)
        buf_append_str(&text, i == 0 ? "[[]" : ",[]");
    buf_append_char(&text, ']');
    assert_wide(&text, "too many arrays");
    buf_release(&array);
    buf_release(&text);
}

static void a_mark_is_skipped(void **state)
{
    (void)state;
    assert_accepted("\xef\xbb\xbf[1]", 6);
    assert_fault("\xef\xbb\xbf[x]", 1, 2, "");
    assert_fault("\xef\xbb\xbf\xef\xbb\xbf[]", 1, 3, "");
    assert_fault("\xef\xbb\xbf", 1, 1, "there is nothing");
}

static void assert_written(json_t *value, const char *expected)
{
    char *written = json_dumps(value, JSON_ENCODE_ANY);

    assert_string_equal(written, expected);
    free(written);
    json_decref(value);
}

static void texts_are_values_or_null(void **state)
{
    (void)state;
    assert_written(json_text_or_null("a"), "\"a\"");
    assert_written(json_text_or_null(""), "null");
    assert_written(json_number_or_null("007"), "7");
    assert_written(json_number_or_null("999999999999999999"), "999999999999999999");
    assert_written(json_number_or_null("1000000000000000000"), "null");
    assert_written(json_number_or_null("-1"), "null");
    assert_written(json_number_or_null("1.5"), "null");
    assert_written(json_number_or_null(""), "null");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_value_may_stand_alone),
        cmocka_unit_test(nothing_has_its_own_message),
        cmocka_unit_test(values_are_what_was_written),
        cmocka_unit_test(the_length_counts_not_a_nul),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(width_is_bounded),
        cmocka_unit_test(brackets_in_strings_do_not_count),
        cmocka_unit_test(duplicate_keys_are_refused),
        cmocka_unit_test(nul_is_refused),
        cmocka_unit_test(bad_utf8_is_refused_where_it_stands),
        cmocka_unit_test(lone_surrogates_are_refused),
        cmocka_unit_test(numbers_that_do_not_fit_are_refused),
        cmocka_unit_test(nothing_may_follow_the_value),
        cmocka_unit_test(columns_count_bytes),
        cmocka_unit_test(broken_texts_are_refused),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(a_long_fault_is_cut_at_a_character),
        cmocka_unit_test(ids_are_strings_or_integers),
        cmocka_unit_test(ids_must_fit),
        cmocka_unit_test(texts_are_values_or_null),
        cmocka_unit_test(nulls_are_dropped),
        cmocka_unit_test(what_is_kept_is_its_tokens),
        cmocka_unit_test(faults_around_what_is_kept_are_where_they_stand),
        cmocka_unit_test(what_is_kept_has_no_width),
        cmocka_unit_test(wide_counts_each_array),
        cmocka_unit_test(a_mark_is_skipped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
