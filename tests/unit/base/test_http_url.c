/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/http_url.h"
#include "support/test.h"

static void test_what_is_read(void **state)
{
    static const struct {
        const char *text, *host;
        uint16_t port;
        bool is_https, is_address;
    } cases[] = {
        {"https://a.example", "a.example", 443, true, false},
        {"http://a.example/", "a.example", 80, false, false},
        {"https://A.Example:8443/x?y=http://b/@", "a.example", 8443, true, false},
        {"http://localhost?x", "localhost", 80, false, false},
        {"http://xn--bcher-kva.example/", "xn--bcher-kva.example", 80, false, false},
        {"http://a_b.1a.x1/", "a_b.1a.x1", 80, false, false},
        {"http://127.0.0.1:1/", "127.0.0.1", 1, false, true},
        {"http://[::1]:65535", "::1", 65535, false, true},
        {"http://[0:0::0001]/", "::1", 80, false, true},
        {"http://[::FFFF:7f00:1]/%00", "::ffff:127.0.0.1", 80, false, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_url url;
        const char *fault = http_url_read(&url, cases[i].text);

        if (fault)
            fail_msg("%s: it %s", cases[i].text, fault);
        assert_string_equal(url.host, cases[i].host);
        assert_int_equal(url.port, cases[i].port);
        assert_int_equal(url.is_https, cases[i].is_https);
        assert_int_equal(url.is_address, cases[i].is_address);
    }
}

static void test_what_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "a.example",
        "//a.example",
        "ftp://a.example",
        "file:///etc/passwd",
        "HTTP://a.example",
        "https:/a.example",
        "https:a.example",
        "gopher://a",
        "http://",
        "http:///x",
        "http://?x",
        "http://:80/",
        "http://user@a.example/",
        "http://user:secret@a.example/",
        "http://@a.example",
        "http://a.example@b.example",
        "http://a b/",
        " http://a",
        "http://a ",
        "http://a/\tb",
        "http://a/\n",
        "http://a\\@b.example/",
        "http://a.example\\.b.example/",
        "http://a.example/#x",
        "http://a.example#@b.example",
        "http://a.example./",
        "http://./",
        "http://.a/",
        "http://a..b/",
        "http://-a/",
        "http://a-/",
        "http://a%2eexample/",
        "http://%31%32%37.0.0.1/",
        "http://b\xc3\xbc"
        "cher.example/",
        "http://\xe2\x91\xa0.example/",
        "http://a\x7f/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.1/",
        "http://0X7F.1/",
        "http://127.1/",
        "http://0177.0.0.1/",
        "http://127.0.0.1.",
        "http://127.0.0.01/",
        "http://1.2.3.4.5/",
        "http://256.1.1.1/",
        "http://a.1/",
        "http://a.0x/",
        "http://[::1/",
        "http://::1/",
        "http://[::1%25lo]/",
        "http://[fe80::1%eth0]/",
        "http://[127.0.0.1]/",
        "http://[::1]x/",
        "http://[v1.x]/",
        "http://[]/",
        "http://a:/",
        "http://a:0/",
        "http://a:65536/",
        "http://a:1x/",
        "http://a:+1/",
        "http://a:1:2/",
        "http://a:000080/",
        "http://a,b/",
        "http://a;b/",
        "http://(a)/",
        "http://a\"/",
        "http://{a}/",
        "http://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct http_url url;

        if (!http_url_read(&url, texts[i]))
            fail_msg("%s was read: %s port %u", texts[i], url.host, url.port);
    }
}

static bool is_listed(const char *text, const char *hosts)
{
    struct http_url url;

    assert_null(http_url_read(&url, text));
    return http_url_is_listed(&url, hosts);
}

static void test_lists_of_hosts(void **state)
{
    static const char hosts[] =
        "Hooks.example, *.b.example:8443, 10.0.0.1:80, [0::1], c.example:443";

    (void)state;
    assert_true(is_listed("https://hooks.example/", hosts));
    assert_true(is_listed("http://HOOKS.example:81/", hosts));
    assert_false(is_listed("https://a.hooks.example/", hosts));
    assert_false(is_listed("https://hooks.example.evil.example/", hosts));
    assert_false(is_listed("https://xhooks.example/", hosts));
    assert_true(is_listed("https://a.b.example:8443/", hosts));
    assert_true(is_listed("https://x.a.b.example:8443/", hosts));
    assert_false(is_listed("https://a.b.example/", hosts));
    assert_false(is_listed("https://b.example:8443/", hosts));
    assert_false(is_listed("https://ab.example:8443/", hosts));
    assert_true(is_listed("http://10.0.0.1/", hosts));
    assert_false(is_listed("https://10.0.0.1/", hosts));
    assert_true(is_listed("http://[::1]:9/", hosts));
    assert_true(is_listed("https://c.example/", hosts));
    assert_false(is_listed("http://c.example/", hosts));
    assert_false(is_listed("http://c.example/", ""));
}

static void test_lists_are_checked(void **state)
{
    static const char *const wrong[] = {"https://a.example",
                                        "a/b",
                                        "*",
                                        "*.",
                                        "*.10.0.0.1",
                                        "a.*",
                                        "*a",
                                        "10.0.0.0/8",
                                        "::1",
                                        "a:",
                                        "a:0",
                                        "a@b",
                                        "a.",
                                        "127.1",
                                        "a?b"};
    struct word word;

    (void)state;
    assert_true(http_url_hosts_are_valid("", &word));
    assert_true(http_url_hosts_are_valid("a.example, *.b:1, 127.0.0.1, [::1]:80", &word));
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (http_url_hosts_are_valid(wrong[i], &word))
            fail_msg("%s is no host", wrong[i]);
        assert_true(word_is(&word, wrong[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_read),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_lists_of_hosts),
        cmocka_unit_test(test_lists_are_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
