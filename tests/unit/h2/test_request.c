/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "h2/request.h"
#include "support/test.h"

static struct h2_request with_header(struct h2_header *header, const char *name, const char *value)
{
    *header = (struct h2_header){name, value};
    return (struct h2_request){.headers = header, .header_count = 1};
}

static void finds_headers(void **state)
{
    struct h2_header headers[] = {{"a", "1"}, {"b", ""}, {"a", "2"}};
    const struct h2_request request = {.headers = headers, .header_count = 3};
    const struct h2_request empty = {0};

    (void)state;
    assert_string_equal(h2_request_header(&request, "a"), "1");
    assert_string_equal(h2_request_header(&request, "b"), "");
    assert_null(h2_request_header(&request, "c"));
    assert_null(h2_request_header(&empty, "a"));
}

static void assert_cookie(const char *field, const char *name, const char *expected)
{
    struct h2_header header;
    const struct h2_request request = with_header(&header, "cookie", field);
    char buffer[8];
    const char *value = h2_request_cookie(&request, name, buffer, sizeof(buffer));

    if (!expected) {
        assert_null(value);
        return;
    }
    assert_non_null(value);
    assert_string_equal(value, expected);
}

static void finds_cookies(void **state)
{
    (void)state;
    assert_cookie("a=1", "a", "1");
    assert_cookie("a=1; b=2", "b", "2");
    assert_cookie("a=1;b=2", "b", "2");
    assert_cookie("a=1; a=2", "a", "1");
    assert_cookie("ba=1; a=2", "a", "2");
    assert_cookie("ab=1; a=2", "a", "2");
    assert_cookie("a; ;; a=2 ; ", "a", "2");
    assert_cookie("a=", "a", "");
    assert_cookie("a=b=c", "a", "b=c");
    assert_cookie("A=1", "a", NULL);
    assert_cookie("", "a", NULL);
    assert_cookie("x=\"; a=1\"", "a", "1\"");
}

static void never_cuts_a_cookie(void **state)
{
    (void)state;
    assert_cookie("a=1234567", "a", "1234567");
    assert_cookie("a=12345678", "a", NULL);
}

static bool is_json(const char *content_type)
{
    struct h2_header header;
    const struct h2_request request = with_header(&header, "content-type", content_type);

    return h2_request_is_type(&request, "application/json");
}

static void compares_media_types(void **state)
{
    const struct h2_request empty = {0};

    (void)state;
    assert_true(is_json("application/json"));
    assert_true(is_json("Application/JSON"));
    assert_true(is_json("application/json;charset=UTF-8"));
    assert_true(is_json(" application/json ; charset=UTF-8"));
    assert_false(is_json("application/jsonp"));
    assert_false(is_json("application/json, text/plain"));
    assert_false(is_json("application/jso"));
    assert_false(is_json(""));
    assert_false(h2_request_is_type(&empty, "application/json"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_headers),
        cmocka_unit_test(finds_cookies),
        cmocka_unit_test(never_cuts_a_cookie),
        cmocka_unit_test(compares_media_types),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
