/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "api/secrets.h"
#include "base/buf.h"
#include "support/test.h"

static void test_names(void **state)
{
    static const char *const secret[] = {"access-token", "Authorization",  "COOKIE", "password",
                                         "x-api-key",    "access%2DToken", "jwt"};
    static const char *const open[] = {"", "user", "toke", "accept", "key"};

    (void)state;
    for (size_t i = 0; i < sizeof(secret) / sizeof(secret[0]); i++)
        assert_true(secrets_is_name(secret[i], strlen(secret[i])));
    for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++)
        assert_false(secrets_is_name(open[i], strlen(open[i])));
    assert_false(secrets_is_name("tokens", 4));
}

static void assert_masked(const char *value, const char *expected)
{
    struct buf text = BUF_INIT;

    secrets_append_masked(&text, value);
    assert_string_equal(buf_str(&text), expected);
    buf_release(&text);
}

static void test_addresses(void **state)
{
    (void)state;
    assert_masked("", "");
    assert_masked("https://a.example/token=1", "https://a.example/token=1");
    assert_masked("https://a/b?x=1&access-token=abc&y=2", "https://a/b?x=1&access-token=***&y=2");
    assert_masked("https://a/b?token=a=b", "https://a/b?token=***");
    assert_masked("https://a/b#access_token=abc;z", "https://a/b#access_token=***;z");
    assert_masked("https://a/#/list?token=abc#x", "https://a/#/list?token=***#x");
    assert_masked("?", "?");
    assert_masked("?&token&=token", "?&token&=token");
    assert_masked("Mozilla/5.0 (X11; token=1)", "Mozilla/5.0 (X11; token=1)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
