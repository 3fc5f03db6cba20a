/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/buf.h"
#include "base/secrets.h"
#include "support/test.h"

static void test_names(void **state)
{
    static const char *const secret[] = {"access-token", "Authorization", "COOKIE",
                                         "password",     "x-api-key",     "access%2DToken",
                                         "jwt",          "set-cookie",    "proxy-authorization",
                                         "X-Signature",  "code",          "Key",
                                         "connectionId"};
    static const char *const open[] = {"", "user", "toke", "accept", "keyboard", "encode"};

    (void)state;
    for (size_t i = 0; i < sizeof(secret) / sizeof(secret[0]); i++)
        assert_true(secrets_is_name(secret[i], strlen(secret[i]), ""));
    for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++)
        assert_false(secrets_is_name(open[i], strlen(open[i]), ""));
    assert_false(secrets_is_name("tokens", 4, ""));
}

static void test_further_names(void **state)
{
    (void)state;
    assert_true(secrets_is_name("ticket", 6, "door, Ticket"));
    assert_false(secrets_is_name("tickets", 7, "door, ticket"));
    assert_false(secrets_is_name("ticket", 6, ""));
}

static void assert_masked(const char *value, const char *expected)
{
    struct buf text = BUF_INIT;

    secrets_append_masked(&text, value, "ticket, t");
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
    assert_masked("https://a/b?to%6ben=abc&x=1", "https://a/b?to%6ben=***&x=1");
    assert_masked("https://a/b?%53ID=abc#?p%61ssw=d", "https://a/b?%53ID=***#?p%61ssw=***");
    assert_masked("https://a/b?%=1&%4=2&to%6=3", "https://a/b?%=1&%4=2&to%6=3");
    assert_masked("?", "?");
    assert_masked("?&token&=token", "?&token&=token");
    assert_masked("https://a/b?connectionId=1&id=2", "https://a/b?connectionId=***&id=2");
    assert_masked("https://ann:pass@a/b?x=1", "https://***@a/b?x=1");
    assert_masked("https://pass@a", "https://***@a");
    assert_masked("https://a/b@c", "https://a/b@c");
    assert_masked("https://a?b@c", "https://a?b@c");
    assert_masked("a:b@c", "a:b@c");
    assert_masked("https://a/b;jsessionid=1/c;x=2;sid=3?y=4",
                  "https://a/b;jsessionid=***/c;x=2;sid=***?y=4");
    assert_masked("/b;JSESSIONID=1", "/b;JSESSIONID=***");
    assert_masked("/b;", "/b;");
    assert_masked("text/html;q=0.9;token=1", "text/html;q=0.9;token=1");
    assert_masked("Mozilla/5.0 (X11; token=1)", "Mozilla/5.0 (X11; token=1)");
}

/* As logins pass an address on: in a parameter of another, encoded once or more. */
static void test_addresses_within_addresses(void **state)
{
    (void)state;
    assert_masked("https://a/login?next=https%3A%2F%2Fb%2F%3Ftoken%3DS&x=1",
                  "https://a/login?next=***&x=1");
    assert_masked("https://x/?token%3DS", "https://x/?***");
    assert_masked("https%3A%2F%2Fb%3Ftoken%3DS", "***");
    assert_masked("?next=https%253A%252F%252Fb%253Ftoken%253DS", "?next=***");
    assert_masked("?next=https%25253A%25252F%25252Fb%25253Ftoken%25253DS", "?next=***");
    assert_masked("?next=https%3A%2F%2Fann%3Asecret%40b", "?next=***");
    assert_masked("?x=Bearer%20S", "?x=***");
    assert_masked("?x=Bearer+S%21", "?x=***");
    assert_masked("?x=%65yJhbGciOiJub25lIn0.e30.c2ln", "?x=***");
    assert_masked("?next=https%3A%2F%2Fb%00%26token%3DS", "?next=***");
    assert_masked("?next=https%3A%2F%2Fb%2Fc%3Fpage%3D2", "?next=https%3A%2F%2Fb%2Fc%3Fpage%3D2");
    assert_masked("/a%20b/c?q=d%20e+f", "/a%20b/c?q=d%20e+f");
    assert_masked("?q=%", "?q=%");
}

static void test_credentials_by_their_looks(void **state)
{
    (void)state;
    assert_masked("eyJhbGciOiJub25lIn0.e30.", "***");
    assert_masked("Bearer abc", "***");
    assert_masked("https://a/b?x=eyJhbGciOiJub25lIn0.e30.c2ln&y=1", "https://a/b?x=***&y=1");
    assert_masked("https://a/b?eyJhbGciOiJub25lIn0.e30.c2ln", "https://a/b?***");
    assert_masked("eyJhbGciOiJub25lIn0.e30", "eyJhbGciOiJub25lIn0.e30");
    assert_masked("/sse/demo/eyJhbGciOiJub25lIn0.e30.c2ln/x", "/sse/demo/***/x");
    assert_masked("https://a/reset/eyJhbGciOiJub25lIn0.e30.c2ln#b", "https://a/reset/***#b");
    assert_masked("/a/eyJhbGciOiJub25lIn0%2Ee30.c2ln", "***");
    assert_masked("/a?id=0123456789abcdef0123456789abcdef0123456789abcdef01234567", "/a?id=***");
    assert_masked("/a?connection=0123456789abcdef01234567",
                  "/a?connection=0123456789abcdef01234567");
    assert_masked("https://a/b?ticket=1&t=2&tt=3", "https://a/b?ticket=***&t=***&tt=3");
}

static void assert_words(const char *sentence, const char *expected)
{
    struct buf text = BUF_INIT;

    secrets_append_words(&text, sentence, "ticket");
    assert_string_equal(buf_str(&text), expected);
    buf_release(&text);
}

static void test_words(void **state)
{
    (void)state;
    assert_words("", "");
    assert_words(" (a; b) \"c\" ", " (a; b) \"c\" ");
    assert_words("Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101",
                 "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101");
    assert_words("App/1 (token=abc; ticket=x)", "App/1 (token=*** ticket=***)");
    assert_words("App/1 eyJhbGciOiJub25lIn0.e30.x, y", "App/1 *** y");
    assert_words("App/1;token=abc", "App/1;token=***");
    assert_words("App/1 Bearer 0123456789abcdef", "App/1 Bearer ***");
    assert_words("Bearer tokens-of-this-service are taken",
                 "Bearer tokens-of-this-service are taken");
    assert_words("origin \"https://u:p@a/x;jsessionid=1?b=2&sid=3#code=4\" may not",
                 "origin \"https://***@a/x;jsessionid=***?b=2&sid=***#code=***\" may not");
    assert_words("it is services[].origins", "it is services[].origins");
}

static void test_members(void **state)
{
    json_t *object =
        json_pack("{s:s, s:s, s:{s:i, s:s}, s:[{s:s}], s:s, s:i}", "team", "blue", "password",
                  "hidden", "inner", "level", 3, "apiKey", "hidden", "list", "refreshToken",
                  "hidden", "link", "https://a/?key=hidden", "pin", 1234);
    json_t *expected = json_pack("{s:s, s:s, s:{s:i, s:s}, s:[{s:s}], s:s, s:s}", "team", "blue",
                                 "password", "***", "inner", "level", 3, "apiKey", "***", "list",
                                 "refreshToken", "***", "link", "https://a/?key=***", "pin", "***");

    (void)state;
    secrets_mask_members(object);
    assert_true(json_equal(object, expected));
    secrets_mask_members(NULL);
    json_decref(object);
    json_decref(expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_further_names),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_credentials_by_their_looks),
        cmocka_unit_test(test_addresses_within_addresses),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_members),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
