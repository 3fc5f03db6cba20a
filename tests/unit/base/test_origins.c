/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/http_url.h"
#include "support/test.h"

static struct origins *read(const char *text)
{
    char fault[200] = "";
    struct origins *origins = origins_new(text, fault, sizeof(fault));

    assert_string_equal(fault, "");
    assert_non_null(origins);
    return origins;
}

static void exact_origins(void **state)
{
    static const char *const in[] = {"https://app.example.com", "https://app.example.com:443",
                                     "HTTPS://App.Example.com", "http://[::1]:8080",
                                     "capacitor://localhost"};
    static const char *const out[] = {"null",
                                      "",
                                      "https://app.example.com:8443",
                                      "http://app.example.com",
                                      "https://app.example.com.evil.test",
                                      "https://evilapp.example.com",
                                      "https://a.app.example.com",
                                      "https://app.example.com/",
                                      "https://app.example.com, https://b.test",
                                      "https://user@app.example.com",
                                      "https://*.app.example.com",
                                      "http://[::1]",
                                      "http://::1:8080",
                                      "https://app.example.com:",
                                      "https://app.example.com:0",
                                      "https://app.example.com:65979",
                                      "https://app.example.com:443x",
                                      "//app.example.com",
                                      "app.example.com"};
    struct origins *origins =
        read("https://app.example.com, http://[::1]:8080,capacitor://localhost");

    (void)state;
    for (size_t i = 0; i < sizeof(in) / sizeof(in[0]); i++)
        assert_true(origins_contain(origins, in[i]));
    for (size_t i = 0; i < sizeof(out) / sizeof(out[0]); i++)
        assert_false(origins_contain(origins, out[i]));
    origins_free(origins);
}

static void patterns(void **state)
{
    struct origins *origins = read("https://*.example.com:8443");

    (void)state;
    assert_true(origins_contain(origins, "https://a.example.com:8443"));
    assert_true(origins_contain(origins, "https://b.a.example.com:8443"));
    assert_false(origins_contain(origins, "https://example.com:8443"));
    assert_false(origins_contain(origins, "https://.example.com:8443"));
    assert_false(origins_contain(origins, "https://evilexample.com:8443"));
    assert_false(origins_contain(origins, "https://a.example.com"));
    assert_false(origins_contain(origins, "http://a.example.com:8443"));
    assert_false(origins_contain(origins, "https://a.example.com.evil.test:8443"));
    origins_free(origins);
}

static void empty_set(void **state)
{
    struct origins *origins = read("");

    (void)state;
    assert_false(origins_contain(origins, "https://a.test"));
    assert_false(origins_contain(origins, "null"));
    origins_free(origins);
}

static void what_is_no_origin_is_refused(void **state)
{
    static const char *const wrong[] = {"*",
                                        "null",
                                        "app.example.com",
                                        "https://",
                                        "https://*",
                                        "https://*.com",
                                        "https://a.*.com",
                                        "https://a.test/",
                                        "https://a.test/x",
                                        "https://a.test:99999",
                                        "https://a b.test",
                                        "https://u@a.test",
                                        "https://[::1",
                                        "https://[]",
                                        "https:/a.test",
                                        "https://ä.test",
                                        "1s://a.test",
                                        "https://a.test, nonsense"};

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char fault[300] = "";

        assert_null(origins_new(wrong[i], fault, sizeof(fault)));
        assert_non_null(strstr(fault, "is no origin; use one such as https://app.example.com"));
    }
}

static void own_origin(void **state)
{
    static const struct {
        const char *origin, *scheme, *authority;
        bool own;
    } cases[] = {
        {"https://a.test", "https", "a.test", true},
        {"https://a.test", "https", "A.test:443", true},
        {"https://a.test:8443", "https", "a.test:8443", true},
        {"https://[::1]:8443", "https", "[::1]:8443", true},
        {"http://localhost:8080", "http", "localhost:8080", true},
        {"https://a.test", "http", "a.test", true}, /* a proxy has ended TLS */
        {"http://a.test", "https", "a.test", false},
        {"https://a.test", "https", "a.test:8443", false},
        {"https://b.test", "https", "a.test", false},
        {"https://b.a.test", "https", "a.test", false},
        {"https://*.a.test", "https", "a.test", false},
        {"capacitor://a.test", "https", "a.test", false},
        {"null", "https", "null", false},
        {"https://a.test", "https", "", false},
        {"https://a.test", "https", "u@a.test", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(origin_is_own(cases[i].origin, cases[i].scheme, cases[i].authority),
                         cases[i].own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_origins), cmocka_unit_test(patterns),
        cmocka_unit_test(empty_set),     cmocka_unit_test(what_is_no_origin_is_refused),
        cmocka_unit_test(own_origin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
