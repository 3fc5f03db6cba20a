/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "sse/names.h"
#include "sse/user.h"
#include "support/test.h"

struct match {
    const char *pattern, *name;
    bool matches;
};

static void check(const struct match *cases, size_t count, const struct sse_user *user)
{
    for (size_t i = 0; i < count; i++) {
        const struct match *match = &cases[i];

        if (sse_channel_pattern_matches(match->pattern, strlen(match->pattern), match->name,
                                        user) != match->matches)
            fail_msg("\"%s\" on \"%s\": not %d", match->pattern, match->name, match->matches);
    }
}

#define CHECK(cases, user) check(cases, sizeof(cases) / sizeof((cases)[0]), user)

static void test_patterns(void **state)
{
    static const struct match cases[] = {
        {"news", "news", true},
        {"news", "New", false},
        {"news", "news2", false},
        {"news2", "news", false},
        {"", "", true},
        {"", "a", false},
        {"*", "", true},
        {"*", "anything, with a comma", true},
        {"team/*", "team/", true},
        {"team/*", "team/7", true},
        {"team/*", "team", false},
        {"*/7", "team/7", true},
        {"*/7", "team/77", false},
        {"*/7", "team/7/7", true},
        {"a*b*c", "abc", true},
        {"a*b*c", "axxbyyc", true},
        {"a*b*c", "axxbyycz", false},
        {"a*b*c", "acb", false},
        {"a**b", "ab", true},
        {"*aab", "aaaab", true},
        {"a*", "b", false},
        {"*a", "", false},
        {"\xc3\xa9*", "\xc3\xa9t\xc3\xa9", true},
        {"{userId}", "{userId}", true},
        {"{userId}", "7", false},
        {"?.[a-z]", "?.[a-z]", true},
    };

    (void)state;
    CHECK(cases, NULL);
}

static void test_placeholders(void **state)
{
    static const struct match ann[] = {
        {"user/{userId}", "user/7", true},
        {"user/{userId}", "user/8", false},
        {"user/{userId}/*", "user/7/inbox", true},
        {"{tenantId}:{userId}", "north:7", true},
        {"{tenantId}:{userId}", "north:", false},
        {"{tenantId}{userId}", "north7", true},
        {"*{userId}", "x7x7", true},
        {"{userid}", "7", false},
        {"{userid}", "{userid}", true},
        {"{userId", "{userId", true},
        {"{{userId}}", "{7}", true},
    };
    static const struct match star[] = {
        {"user/{userId}", "user/*", true}, {"user/{userId}", "user/7", false},
        {"{userId}", "{tenantId}", false}, {"{tenantId}", "{userId}", true},
        {"{tenantId}", "*", false},        {"*{userId}", "any*", true},
        {"*{userId}", "any", false},
    };
    static const struct match alone[] = {
        {"{tenantId}", "", false},           {"{tenantId}*", "7", false},
        {"*{tenantId}", "7", false},         {"*{tenantId}*", "7", false},
        {"{tenantId}/news", "/news", false}, {"{userId}", "7", true},
    };
    struct sse_user *user =
        sse_user_new(&(struct sse_user_fields){.id = "7", .tenant_id = "north"});

    (void)state;
    CHECK(ann, user);
    sse_user_unref(user);
    user = sse_user_new(&(struct sse_user_fields){.id = "*", .tenant_id = "{userId}"});
    CHECK(star, user);
    sse_user_unref(user);
    user = sse_user_new(&(struct sse_user_fields){.id = "7"});
    CHECK(alone, user);
    sse_user_unref(user);
}

static bool is_allowed(const struct sse_user *user, const char *channel)
{
    return channel_rights_allow(&(struct channel_rights){.patterns = ""}, user, channel);
}

static void test_of_user(void **state)
{
    struct sse_user *user = sse_user_new(
        &(struct sse_user_fields){.id = "7", .channels = "news\nteam/*\n\nuser/{userId}"});

    (void)state;
    assert_true(is_allowed(user, "news"));
    assert_true(is_allowed(user, "team/a"));
    assert_false(is_allowed(user, "team"));
    assert_false(is_allowed(user, ""));
    assert_false(is_allowed(user, "user/7"));
    assert_true(is_allowed(user, "user/{userId}"));
    sse_user_unref(user);
    user = sse_user_new(&(struct sse_user_fields){.id = "7"});
    assert_false(is_allowed(user, "news"));
    assert_false(is_allowed(user, ""));
    sse_user_unref(user);
}

/* With a star for each of them, going back to every star would outlive us. */
static void test_many_stars(void **state)
{
    char pattern[257], name[129];

    (void)state;
    for (size_t i = 0; i < 256; i += 2)
        memcpy(pattern + i, "*a", 2);
    memcpy(pattern + 256 - 2, "*b", 3);
    memset(name, 'a', 128);
    name[128] = '\0';
    assert_false(sse_channel_pattern_matches(pattern, 256, name, NULL));
    name[127] = 'b';
    assert_true(sse_channel_pattern_matches(pattern, 256, name, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_placeholders),
        cmocka_unit_test(test_of_user),
        cmocka_unit_test(test_many_stars),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
