/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold of the back end that knows the users. */
#include "unit/server/config_fixture.h"

#define SERVICE "services: [{name: a, auth: webhook, authWebhook: {"
#define URL     "url: \"https://back.example/who\""

static void what_cannot_be_asked_is_refused(void **state)
{
    static const char *const cases[][2] = {
        {SERVICE "}}]\n",
         "url: is missing; auth webhook needs one, such as https://back.example/who"},
        {SERVICE "url: back.example}}]\n",
         "url: \"back.example\" is no address; write one such as https://back.example/hook"},
        {"services: [{name: a, authWebhook: {url: \"ftp://back.example\"}}]\n",
         "url: \"ftp://back.example\" is no address; write one such as https://back.example/hook"},
        {SERVICE URL ", cookies: [\"a b\"]}}]\n", "cookies: \"a b\" is no name of a cookie"},
        {SERVICE URL ", cookies: [a, b, c, d, e, f, g, h, i]}}]\n",
         "cookies: there are more than 8; leave some out"},
        {SERVICE URL ", headers: [cookie]}}]\n",
         "headers: \"cookie\" is all cookies; name those that count in authWebhook.cookies"},
        {SERVICE URL ", headers: [authorization, X-Session]}}]\n",
         "headers: \"X-Session\" is no name of a header field; write it in lower case, such as "
         "x-session"},
        {SERVICE URL ", headers: [content-length]}}]\n",
         "headers: \"content-length\" is a field that the question has itself; leave it out"},
        {SERVICE URL ", headers: [sse-signature]}}]\n",
         "headers: \"sse-signature\" is a field that the question has itself; leave it out"},
        {SERVICE URL ", headers: [], parameters: []}}]\n",
         "cookies: and headers and parameters are empty: nobody could come in; name what a page "
         "shows"},
    };
    struct config config;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char expected[512];

        snprintf(expected, sizeof(expected), "conf.yaml:1: services[0].authWebhook.%s",
                 cases[i][1]);
        assert_int_equal(fixture_load(&config, cases[i][0]), -EINVAL);
        assert_string_equal(fixture_fault, expected);
    }
}

static void settings_of_a_question(void **state)
{
    struct config config;

    (void)state;
    assert_int_equal(fixture_load(&config, SERVICE URL ", cookies: [JSESSIONID, s2]}}]\n"), 0);
    assert_int_equal(config.services[0].auth, CONFIG_AUTH_WEBHOOK);
    assert_string_equal(config.services[0].auth_webhook.names.cookies, "JSESSIONID, s2");
    assert_string_equal(config.services[0].auth_webhook.names.headers, "authorization");
    assert_string_equal(config.services[0].auth_webhook.names.parameters, "access-token");
    assert_int_equal(config.services[0].auth_webhook.time_limit_ms, 3000);
    config_release(&config);
}

/* It asks before it believes. */
static void it_may_listen_to_other_machines(void **state)
{
    struct config config;

    (void)state;
    assert_int_equal(fixture_load(&config, SERVICE URL "}}]\nlisteners: [{address: \"*:1\"}]\n"),
                     0);
    config_release(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_asked_is_refused),
        cmocka_unit_test(settings_of_a_question),
        cmocka_unit_test(it_may_listen_to_other_machines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
