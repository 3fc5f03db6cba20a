/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/names.h"
#include "sse/user.h"
#include "support/test.h"

static void test_rights(void **state)
{
    static const struct {
        bool open;
        const char *patterns, *of_credential, *channel;
        bool allowed;
    } cases[] = {
        {false, "", "", "news", false},
        {true, "", "", "news", true},
        {false, "news, team/*", "", "news", true},
        {false, "news, team/*", "", "team/7", true},
        {false, "news, team/*", "", "news, team/*", false},
        {false, "news", "", "red", false},
        {false, "news", "red\nblue", "blue", true},
        {false, "user/{userId}", "", "user/7", true},
        {false, "user/{userId}", "", "user/8", false},
        {false, "{tenantId}", "", "north", true},
        /* What a credential says has been said about this very user. */
        {false, "", "user/{userId}", "user/7", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct channel_rights rights = {cases[i].open, cases[i].patterns};
        struct sse_user *user = sse_user_new(&(struct sse_user_fields){
            .id = "7", .tenant_id = "north", .channels = cases[i].of_credential});

        if (channel_rights_allow(&rights, user, cases[i].channel) != cases[i].allowed)
            fail_msg("case %zu: \"%s\"", i, cases[i].channel);
        sse_user_unref(user);
    }
}

static void test_first_that_is_refused(void **state)
{
    static const char *const channels[] = {"news", "red", "blue"};
    const struct channel_rights rights = {.patterns = "news, blue"};
    struct sse_user *user = sse_user_new(&(struct sse_user_fields){.id = "7"});

    (void)state;
    assert_string_equal(channel_rights_refused(&rights, user, channels, 3), "red");
    assert_null(channel_rights_refused(&rights, user, channels, 1));
    assert_null(channel_rights_refused(&rights, user, NULL, 0));
    sse_user_unref(user);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rights),
        cmocka_unit_test(test_first_that_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
