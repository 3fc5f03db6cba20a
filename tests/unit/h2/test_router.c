/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "h2/router.h"
#include "support/test.h"

static const struct h2_route routes[] = {
    {H2_GET, "", "root"},
    {H2_POST, "/connect/message/{path}.do", "message"},
    {H2_GET, "/connect/message/{path}.do", "message-get"},
    {H2_GET | H2_POST, "/connect", "connect"},
    {H2_POST, "/connect/message/own.do", "own"},
    {H2_POST, "/send", "send"},
    {H2_PUT, "/files/{path}", "files"},
    {H2_DELETE, "/files/{path}/old", "old"},
};

static struct h2_match match(const char *method, const char *path)
{
    struct h2_match found;

    h2_router_match(routes, sizeof(routes) / sizeof(routes[0]), h2_method_parse(method), path,
                    &found);
    return found;
}

static void assert_target(const char *method, const char *path, const char *target,
                          const char *variable)
{
    struct h2_match found = match(method, path);

    assert_non_null(found.route);
    assert_string_equal((const char *)found.route->target, target);
    assert_string_equal(found.variable, variable);
}

static void assert_no_path(const char *path)
{
    struct h2_match found = match("POST", path);

    assert_null(found.route);
    assert_int_equal(found.allowed, 0);
}

static void matches_literal_routes(void **state)
{
    (void)state;
    assert_target("GET", "", "root", "");
    assert_target("GET", "/connect", "connect", "");
    assert_target("POST", "/connect", "connect", "");
    assert_target("HEAD", "/connect", "connect", "");
    assert_target("GET", "/", "root", "");
    assert_target("POST", "/connect/", "connect", "");
    assert_no_path("//");
    assert_no_path("/connect//");
    assert_no_path("//connect");
    assert_no_path("/Connect");
    assert_no_path("/connect;x");
}

static void matches_the_variable(void **state)
{
    (void)state;
    assert_target("POST", "/connect/message/a.do", "message", "a");
    assert_target("GET", "/connect/message/a.do", "message-get", "a");
    assert_target("POST", "/connect/message/a/b-1/C_2.x.do", "message", "a/b-1/C_2.x");
    assert_target("POST", "/connect/message/a.do.do", "message", "a.do");
    assert_target("PUT", "/files/...", "files", "...");
    assert_target("PUT", "/files/a/", "files", "a");
    assert_target("POST", "/connect/message/a.do/", "message", "a");
    assert_target("POST", "/connect/message/a b.do", "message", "a b");
    assert_target("POST", "/connect/message/100%:a;b.do", "message", "100%:a;b");
    assert_target("POST", "/connect/message/\xe4\xbd\xa0/\xc3\xa9.do", "message",
                  "\xe4\xbd\xa0/\xc3\xa9");
}

static void refuses_other_variables(void **state)
{
    static const char *const paths[] = {
        "/connect/message/.do",
        "/connect/message/",
        "/connect/message/a",
        "/connect/message/a/.do",
        "/connect/message//a.do",
        "/connect/message/a//b.do",
        "/connect/message/..do",
        "/connect/message/...do",
        "/connect/message/a/../b.do",
        "/connect/message/./b.do",
        "/connect/message/a.DO",
        "/connect/message/a.do//",
        "/files/",
        "/files//",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        assert_no_path(paths[i]);
}

static void bounds_the_variable(void **state)
{
    static const char *const characters[] = {"a", "\xf0\x9f\x98\x80"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char path[7 + H2_ROUTE_MAX_VARIABLE + 2] = "/files/";
        struct h2_match found;

        for (size_t n = 0; n < H2_ROUTE_MAX_CHARACTERS; n++)
            strcat(path, characters[i]);
        found = match("PUT", path);
        assert_non_null(found.route);
        assert_int_equal(strlen(found.variable), H2_ROUTE_MAX_CHARACTERS * strlen(characters[i]));
        strcat(path, "a");
        assert_no_path(path);
    }
}

static void literal_routes_win(void **state)
{
    (void)state;
    assert_target("POST", "/connect/message/own.do", "own", "");
    assert_target("GET", "/connect/message/own.do", "message-get", "own");
    assert_target("PUT", "/files/a/old", "files", "a/old");
}

static void tells_what_is_allowed(void **state)
{
    struct h2_match found = match("DELETE", "/connect/message/a.do");

    (void)state;
    assert_null(found.route);
    assert_int_equal(found.allowed, H2_GET | H2_POST);
    found = match("TRACE", "/send");
    assert_null(found.route);
    assert_int_equal(found.allowed, H2_POST);
    assert_int_equal(match("DELETE", "/files/a/old").allowed, H2_PUT | H2_DELETE);
}

static void knows_methods(void **state)
{
    char buffer[64];

    (void)state;
    assert_int_equal(h2_method_parse("GET"), H2_GET);
    assert_int_equal(h2_method_parse("HEAD"), H2_GET);
    assert_int_equal(h2_method_parse("OPTIONS"), H2_OPTIONS);
    assert_int_equal(h2_method_parse("get"), 0);
    assert_int_equal(h2_method_parse("TRACE"), 0);
    assert_int_equal(h2_method_parse("CONNECT"), 0);
    assert_int_equal(h2_method_parse(""), 0);
    assert_string_equal(h2_method_allow(H2_GET | H2_POST, buffer, sizeof(buffer)),
                        "GET, HEAD, POST");
    assert_string_equal(h2_method_allow(0, buffer, sizeof(buffer)), "");
    assert_string_equal(h2_method_allow(~0u, buffer, sizeof(buffer)),
                        "GET, HEAD, POST, PUT, DELETE, OPTIONS");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_literal_routes),  cmocka_unit_test(matches_the_variable),
        cmocka_unit_test(refuses_other_variables), cmocka_unit_test(bounds_the_variable),
        cmocka_unit_test(literal_routes_win),      cmocka_unit_test(tells_what_is_allowed),
        cmocka_unit_test(knows_methods),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
