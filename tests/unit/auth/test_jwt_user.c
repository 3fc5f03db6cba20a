/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "auth/auth.h"
#include "auth/claims.h"
#include "base/buf.h"
#include "sse/user.h"
#include "support/test.h"

static const struct auth_jwt_claims names = {.user_id = "sub",
                                             .name = "name",
                                             .tenant_id = "tenantId",
                                             .channels = "channels",
                                             .permissions = "permissions",
                                             .fields = "role, https://example.com/shop"};

static struct sse_user *user_of(const char *text, const char **fault)
{
    json_t *claims = json_loads(text, 0, NULL);
    struct sse_user *user = auth_jwt_user_new(claims, &names, "the.whole.token", 5000, fault);

    assert_non_null(claims);
    assert_int_equal(user == NULL, *fault != NULL);
    json_decref(claims);
    return user;
}

static void test_a_whole_user(void **state)
{
    const char *fault;
    struct sse_user *user =
        user_of("{\"sub\":7,\"name\":\"Ann\",\"tenantId\":\"t1\",\"jti\":\"x1\","
                "\"channels\":[\"news\",\"orders *\"],\"role\":[\"a\",1],\"secret\":\"s\","
                "\"https://example.com/shop\":{\"id\":3}}",
                &fault);

    (void)state;
    assert_string_equal(user->id, "7");
    assert_string_equal(user->name, "Ann");
    assert_string_equal(user->tenant_id, "t1");
    assert_string_equal(user->access_token, "x1");
    assert_true(user->has_number_id);
    assert_false(user->has_number_tenant);
    assert_string_equal(user->channels, "news\norders *");
    assert_non_null(strstr(user->extra, "\"role\":[\"a\",1]"));
    assert_non_null(strstr(user->extra, "\"https://example.com/shop\":{\"id\":3}"));
    assert_null(strstr(user->extra, "secret"));
    assert_int_equal(user->expires_at, 5000);
    sse_user_unref(user);
}

static void test_the_least_of_a_user(void **state)
{
    const char *fault;
    struct sse_user *user = user_of("{\"sub\":\"7\",\"name\":null,\"tenantId\":3}", &fault);

    (void)state;
    assert_string_equal(user->id, "7");
    assert_string_equal(user->name, "");
    assert_string_equal(user->tenant_id, "3");
    assert_false(user->has_number_id);
    assert_true(user->has_number_tenant);
    assert_string_equal(user->channels, "");
    assert_string_equal(user->access_token, "the.whole.token");
    assert_null(user->extra);
    sse_user_unref(user);
}

static void test_tokens_that_name_nobody(void **state)
{
    static const char *const cases[] = {
        "{}",           "{\"sub\":\"\"}",        "{\"sub\":null}",       "{\"sub\":1.5}",
        "{\"sub\":[]}", "{\"sub\":true}",        "{\"sub\":{}}",         "{\"sub\":\"a\\nb\"}",
        "{\"id\":7}",   "{\"sub\":\"\\u007f\"}", "{\"sub\":\"\\u0001\"}"};
    const char *fault;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_null(user_of(cases[i], &fault));
        assert_non_null(strstr(fault, "names no user"));
    }
}

static void test_lengths(void **state)
{
    struct buf text = BUF_INIT;
    struct sse_user *user;
    const char *fault;

    (void)state;
    buf_append_str(&text, "{\"sub\":\"");
    for (size_t i = 0; i < 256; i++)
        buf_append_char(&text, 'a');
    buf_append_str(&text, "\"}");
    user = user_of(buf_str(&text), &fault);
    assert_int_equal(strlen(user->id), 256);
    sse_user_unref(user);
    text.length -= 2;
    buf_append_str(&text, "a\"}");
    assert_null(user_of(buf_str(&text), &fault));
    buf_release(&text);
}

static void test_wrong_names(void **state)
{
    const char *fault;

    (void)state;
    assert_null(user_of("{\"sub\":7,\"name\":[\"Ann\"]}", &fault));
    assert_non_null(strstr(fault, "name and tenant"));
    assert_null(user_of("{\"sub\":7,\"tenantId\":\"a\\r\"}", &fault));
    assert_non_null(strstr(fault, "name and tenant"));
}

static void test_channels(void **state)
{
    static const struct {
        const char *claims, *lines; /* NULL: refused */
    } cases[] = {
        {"{\"sub\":7,\"channels\":\"a b,c,, d \"}", "a\nb\nc\nd"},
        {"{\"sub\":7,\"channels\":\"\"}", ""},
        {"{\"sub\":7,\"channels\":[]}", ""},
        {"{\"sub\":7,\"channels\":[\"a b\"]}", "a b"},
        {"{\"sub\":7,\"channels\":[\"\"]}", NULL},
        {"{\"sub\":7,\"channels\":[7]}", NULL},
        {"{\"sub\":7,\"channels\":{\"a\":1}}", NULL},
        {"{\"sub\":7,\"channels\":7}", NULL},
        {"{\"sub\":7,\"channels\":[\"a\\nb\"]}", NULL},
        {"{\"sub\":7,\"channels\":\"a\\nb\"}", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *fault;
        struct sse_user *user = user_of(cases[i].claims, &fault);

        assert_int_equal(user != NULL, cases[i].lines != NULL);
        if (user)
            assert_string_equal(user->channels, cases[i].lines);
        sse_user_unref(user);
    }
}

static struct sse_user *with_channels(size_t count, size_t length)
{
    struct buf text = BUF_INIT;
    struct sse_user *user;
    const char *fault;

    buf_append_str(&text, "{\"sub\":7,\"channels\":\"");
    for (size_t i = 0; i < count; i++) {
        for (size_t at = 0; at < length; at++)
            buf_append_char(&text, 'a');
        buf_append_char(&text, ' ');
    }
    buf_append_str(&text, "\"}");
    user = user_of(buf_str(&text), &fault);
    buf_release(&text);
    return user;
}

static void test_bounds_of_channels(void **state)
{
    struct sse_user *user = with_channels(100, 128);

    (void)state;
    assert_non_null(user);
    sse_user_unref(user);
    assert_null(with_channels(101, 1));
    assert_null(with_channels(1, 129));
}

static void test_names_of_tokens(void **state)
{
    static const struct {
        const char *claims, *name;
    } cases[] = {{"{\"jti\":\"x1\"}", "x1"}, {"{}", "t"},           {"{\"jti\":\"\"}", "t"},
                 {"{\"jti\":7}", "t"},       {"{\"jti\":[]}", "t"}, {"{\"jti\":\"a\\n\"}", "t"}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *claims = json_loads(cases[i].claims, 0, NULL);

        assert_string_equal(auth_jwt_token_name(claims, "t"), cases[i].name);
        json_decref(claims);
    }
}

static void test_permissions(void **state)
{
    static const struct {
        const char *claims;
        bool is_back_end;
        unsigned permissions;
    } cases[] = {
        {"{}", false, 0},
        {"{\"permissions\":null}", false, 0},
        {"{\"permissions\":[]}", true, 0},
        {"{\"permissions\":7}", true, 0},
        {"{\"permissions\":\"\"}", true, 0},
        {"{\"permissions\":\"send\"}", true, AUTH_MAY_SEND},
        {"{\"permissions\":\"openid send,query profile\"}", true, AUTH_MAY_SEND | AUTH_MAY_QUERY},
        {"{\"permissions\":[\"presence\",\"metrics\",7]}", true,
         AUTH_MAY_PRESENCE | AUTH_MAY_METRICS},
        {"{\"permissions\":[\"disconnect\"]}", true, AUTH_MAY_DISCONNECT},
        {"{\"permissions\":[\"send query\"]}", true, 0},
        {"{\"permissions\":[\"SEND\",\"sen\",\"sends\"]}", true, 0},
        {"{\"permissions\":\"all\"}", true, AUTH_MAY_ALL},
        {"{\"permissions\":\"all inspect\"}", true, AUTH_MAY_ALL | AUTH_MAY_INSPECT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *claims = json_loads(cases[i].claims, 0, NULL);
        unsigned permissions = 99;

        assert_int_equal(auth_jwt_permissions(claims, &names, &permissions), cases[i].is_back_end);
        assert_int_equal(permissions, cases[i].permissions);
        json_decref(claims);
    }
}

static void test_claims_may_be_called_otherwise_or_left_out(void **state)
{
    const struct auth_jwt_claims others = {.user_id = "uid",
                                           .name = "",
                                           .tenant_id = "org",
                                           .channels = "",
                                           .permissions = "scope",
                                           .fields = ""};
    json_t *claims =
        json_loads("{\"uid\":\"7\",\"sub\":\"8\",\"org\":5,\"channels\":[7],\"\":\"x\","
                   "\"scope\":\"send\"}",
                   0, NULL);
    const char *fault;
    struct sse_user *user = auth_jwt_user_new(claims, &others, "t", 0, &fault);
    unsigned permissions;

    (void)state;
    assert_string_equal(user->id, "7");
    assert_string_equal(user->name, "");
    assert_string_equal(user->tenant_id, "5");
    assert_string_equal(user->channels, "");
    assert_true(auth_jwt_permissions(claims, &others, &permissions));
    assert_int_equal(permissions, AUTH_MAY_SEND);
    sse_user_unref(user);
    json_decref(claims);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_whole_user),
        cmocka_unit_test(test_the_least_of_a_user),
        cmocka_unit_test(test_tokens_that_name_nobody),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_wrong_names),
        cmocka_unit_test(test_channels),
        cmocka_unit_test(test_bounds_of_channels),
        cmocka_unit_test(test_names_of_tokens),
        cmocka_unit_test(test_permissions),
        cmocka_unit_test(test_claims_may_be_called_otherwise_or_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
