/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/buf.h"
#include "h2/uri.h"
#include "support/test.h"

#define NOT_ABSOLUTE "the path must start with '/'"
#define BAD_ESCAPE   "each '%' in the path must be followed by two hexadecimal digits"
#define FORBIDDEN                                                                                  \
    "the path must be valid UTF-8 without control characters, spaces, '#', '\\' "                  \
    "and without escaped '/' and '\\'"
#define ABOVE_ROOT "'..' in the path leads above the root"

static void assert_path(const char *raw, const char *expected_path, const char *expected_query)
{
    struct buf path = BUF_INIT;
    const char *query = NULL;

    assert_null(h2_path_parse(raw, &path, &query));
    assert_string_equal(buf_str(&path), expected_path);
    assert_string_equal(query, expected_query);
    assert_int_equal(path.length, strlen(expected_path));
    buf_release(&path);
}

/* What a failed call leaves: the buffer as it was, no query. */
static void assert_refused(const char *raw, const char *expected)
{
    struct buf path = BUF_INIT;
    const char *query = NULL;

    buf_append_str(&path, "before");
    assert_string_equal(h2_path_parse(raw, &path, &query), expected);
    assert_string_equal(buf_str(&path), "before");
    assert_null(query);
    buf_release(&path);
}

static void splits_path_and_query(void **state)
{
    (void)state;
    assert_path("/", "/", "");
    assert_path("/sse/hr/connect?userId=7&x=%2F", "/sse/hr/connect", "userId=7&x=%2F");
    assert_path("/?", "/", "");
    assert_path("/a?b?c", "/a", "b?c");
    assert_path("/a?/../..", "/a", "/../..");
}

static void decodes_once(void **state)
{
    (void)state;
    assert_path("/a%20b", "/a b", "");
    assert_path("/%41%6a", "/Aj", "");
    assert_path("/%2541", "/%41", "");
    assert_path("/%252f", "/%2f", "");
    assert_path("/a+b", "/a+b", "");
    assert_path("/%3f%23", "/?#", "");
    assert_path("/%e2%82%ac/\xc3\xa9", "/\xe2\x82\xac/\xc3\xa9", "");
}

static void resolves_dot_segments(void **state)
{
    (void)state;
    assert_path("/a/./b", "/a/b", "");
    assert_path("/a/b/../c", "/a/c", "");
    assert_path("/a/..", "/", "");
    assert_path("/a/.", "/a/", "");
    assert_path("/.", "/", "");
    assert_path("/a/%2e%2E/b", "/b", "");
    assert_path("/a/.%2e/%2e/b", "/b", "");
    assert_path("/a//../b", "/a/b", "");
    assert_path("/...", "/...", "");
    assert_path("/.a/..b/c.", "/.a/..b/c.", "");
}

static void keeps_empty_segments(void **state)
{
    (void)state;
    assert_path("//", "//", "");
    assert_path("/a//b/", "/a//b/", "");
}

static void refuses_what_goes_above_the_root(void **state)
{
    (void)state;
    assert_refused("/..", ABOVE_ROOT);
    assert_refused("/../etc/passwd", ABOVE_ROOT);
    assert_refused("/a/../../b", ABOVE_ROOT);
    assert_refused("/%2e%2e/b", ABOVE_ROOT);
}

static void refuses_what_is_not_absolute(void **state)
{
    (void)state;
    assert_refused("", NOT_ABSOLUTE);
    assert_refused("*", NOT_ABSOLUTE);
    assert_refused("a/b", NOT_ABSOLUTE);
    assert_refused("https://localhost/", NOT_ABSOLUTE);
    assert_refused("?a", NOT_ABSOLUTE);
}

static void refuses_malformed_escapes(void **state)
{
    (void)state;
    assert_refused("/%", BAD_ESCAPE);
    assert_refused("/%4", BAD_ESCAPE);
    assert_refused("/%4?1", BAD_ESCAPE);
    assert_refused("/%zz", BAD_ESCAPE);
    assert_refused("/%+1", BAD_ESCAPE);
}

static void refuses_what_could_mean_two_things(void **state)
{
    static const char *const paths[] = {
        "/%00",    "/a%2fb",     "/a%2Fb",     "/a%5cb", "/a\\b", "/a#b",
        "/a b",    "/a\tb",      "/%0d",       "/\x7f",  "/%7f",  "/\xc0\xaf",
        "/%c0%af", "/%e0%80%af", "/%ed%a0%80", "/\xff",  "/%e2",  "/%f4%90%80%80",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        assert_refused(paths[i], FORBIDDEN);
}

static void appends_to_what_is_there(void **state)
{
    struct buf path = BUF_INIT;
    const char *query;

    (void)state;
    buf_append_str(&path, "x/y");
    assert_null(h2_path_parse("/a/../b", &path, &query));
    assert_string_equal(buf_str(&path), "x/y/b");
    buf_release(&path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_path_and_query),
        cmocka_unit_test(decodes_once),
        cmocka_unit_test(resolves_dot_segments),
        cmocka_unit_test(keeps_empty_segments),
        cmocka_unit_test(refuses_what_goes_above_the_root),
        cmocka_unit_test(refuses_what_is_not_absolute),
        cmocka_unit_test(refuses_malformed_escapes),
        cmocka_unit_test(refuses_what_could_mean_two_things),
        cmocka_unit_test(appends_to_what_is_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
