/* SPDX-License-Identifier: Apache-2.0 */
#include "outbound/webhook.h"
#include "support/test.h"

static void tokens_go_where_nobody_else_reads_them(void **state)
{
    static const char *const safe[] = {"https://back.example/hook",  "https://10.0.0.7:8443/",
                                       "http://localhost/",          "http://localhost:8080/hook",
                                       "http://127.0.0.1:8080/hook", "http://127.1.2.3/",
                                       "http://[::1]:8080/hook",     "http://LOCALHOST:8080/hook"};
    static const char *const others[] = {"",
                                         "http://back.example/hook",
                                         "http://10.0.0.7/hook",
                                         "http://localhost.example/hook",
                                         "http://127.0.0.1.example/hook",
                                         "http://[::2]/hook",
                                         "http://128.0.0.1/hook",
                                         "http://127.0.0.1@back.example/hook",
                                         "http://0.0.0.0/hook"};

    (void)state;
    for (size_t i = 0; i < sizeof(safe) / sizeof(safe[0]); i++) {
        if (!told_may_have_token(safe[i], "secret", false))
            fail_msg("%s", safe[i]);
        assert_false(told_may_have_token(safe[i], "", false));
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (told_may_have_token(others[i], "secret", false))
            fail_msg("%s", others[i]);
    }
}

/* It gets what is for this machine, and is another one. */
static void a_proxy_passes_https_on_unread(void **state)
{
    (void)state;
    assert_true(told_may_have_token("https://back.example/hook", "secret", true));
    assert_false(told_may_have_token("http://127.0.0.1:8080/hook", "secret", true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_go_where_nobody_else_reads_them),
        cmocka_unit_test(a_proxy_passes_https_on_unread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
