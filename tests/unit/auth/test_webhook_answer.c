/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/webhook.h"
#include "base/buf.h"
#include "outbound/http.h"
#include "sse/user.h"
#include "support/test.h"

#define NOW INT64_C(1700000000000)

static const char *read(int status, const char *body, struct auth_result *result)
{
    const struct outbound_answer answer = {
        .status = status, .body = body, .length = strlen(body), .reason = ""};

    return auth_webhook_answer_read(&answer, NOW, false, result);
}

static struct sse_user *user_of(const char *body)
{
    struct auth_result result;

    assert_null(read(200, body, &result));
    assert_int_equal(result.verdict, AUTH_OK);
    assert_non_null(result.user);
    return result.user;
}

static void test_a_whole_user(void **state)
{
    struct sse_user *user =
        user_of("{\"id\":7,\"name\":\"Ann\",\"tenantId\":\"t1\",\"accessToken\":\"x1\","
                "\"channels\":[\"news\",\"orders *\"],\"expiresAt\":1700000000500.5,"
                "\"role\":[\"a\",1]}");

    (void)state;
    assert_string_equal(user->id, "7");
    assert_string_equal(user->name, "Ann");
    assert_string_equal(user->tenant_id, "t1");
    assert_string_equal(user->access_token, "x1");
    assert_true(user->has_number_id);
    assert_false(user->has_number_tenant);
    assert_string_equal(user->channels, "news\norders *");
    assert_string_equal(user->extra, "{\"role\":[\"a\",1]}");
    assert_int_equal(user->expires_at, NOW + 500);
    sse_user_unref(user);
}

static void test_the_least_of_a_user(void **state)
{
    struct sse_user *user =
        user_of("{\"id\":\"7\",\"name\":null,\"accessToken\":null,\"tenantId\":3,"
                "\"channels\":null,\"expiresAt\":null,\"expiresIn\":null}");

    (void)state;
    assert_string_equal(user->id, "7");
    assert_string_equal(user->name, "");
    assert_string_equal(user->access_token, "");
    assert_false(user->has_number_id);
    assert_true(user->has_number_tenant);
    assert_string_equal(user->channels, "");
    assert_null(user->extra);
    assert_int_equal(user->expires_at, 0);
    sse_user_unref(user);
}

static void test_wrappings(void **state)
{
    static const char *const bodies[] = {
        "{\"user\":{\"id\":7}}",
        "{\"success\":true,\"code\":200,\"data\":{\"id\":7},\"message\":null}",
        "{\"success\":true,\"data\":{\"user\":{\"id\":7}}}",
        "{\"id\":7,\"user\":{\"id\":8},\"data\":{\"id\":9}}",
        "{\"id\":7,\"success\":true}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        struct sse_user *user = user_of(bodies[i]);

        assert_string_equal(user->id, "7");
        sse_user_unref(user);
    }
}

static void test_time_in_seconds(void **state)
{
    struct sse_user *user = user_of("{\"id\":7,\"expiresIn\":90}");

    (void)state;
    assert_int_equal(user->expires_at, NOW + 90000);
    sse_user_unref(user);
}

static void test_what_has_expired_is_no_credential(void **state)
{
    static const char *const bodies[] = {
        "{\"id\":7,\"expiresAt\":1700000000000}",
        "{\"id\":7,\"expiresAt\":1}",
        "{\"id\":7,\"expiresIn\":0}",
        "{\"id\":7,\"expiresIn\":-3}",
    };
    struct auth_result result;

    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        assert_null(read(200, bodies[i], &result));
        assert_int_equal(result.verdict, AUTH_BAD);
        assert_null(result.user);
        assert_non_null(strstr(result.message, "expired"));
        assert_string_equal(result.rule, "expired");
    }
}

static void test_answers_of_no_use(void **state)
{
    static const char *const bodies[] = {
        "",
        "null",
        "7",
        "[]",
        "[{\"id\":7}]",
        "{}",
        "{\"id\":7",
        "{\"id\":7}{\"id\":8}",
        "{\"id\":7,\"id\":8}",
        "{\"id\":\"\"}",
        "{\"id\":null}",
        "{\"id\":1.5}",
        "{\"id\":true}",
        "{\"id\":\"a\\nb\"}",
        "{\"id\":\"\xff\"}",
        "{\"user\":{}}",
        "{\"user\":\"7\"}",
        "{\"success\":true,\"data\":null}",
        "{\"id\":7,\"name\":[]}",
        "{\"id\":7,\"tenantId\":\"\\u0007\"}",
        "{\"id\":7,\"accessToken\":7}",
        "{\"id\":7,\"accessToken\":\"a\\r\\nb\"}",
        "{\"id\":7,\"channels\":7}",
        "{\"id\":7,\"channels\":[7]}",
        "{\"id\":7,\"expiresAt\":\"tomorrow\"}",
        "{\"id\":7,\"expiresAt\":0}",
        "{\"id\":7,\"expiresAt\":1e300}",
        "{\"id\":7,\"expiresIn\":[]}",
    };
    struct auth_result result;

    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        if (!read(200, bodies[i], &result) || result.verdict != AUTH_FAILED || result.user)
            fail_msg("%s: %d", bodies[i], result.verdict);
        assert_non_null(strstr(result.message, "no answer that can be used"));
    }
}

static void test_statuses(void **state)
{
    static const struct {
        int status;
        const char *body;
        enum auth_verdict verdict;
    } cases[] = {
        {401, "", AUTH_BAD},
        {401, "{\"id\":7}", AUTH_BAD},
        {403, "", AUTH_DENIED},
        {429, "", AUTH_BUSY},
        {503, "", AUTH_BUSY},
        {201, "{\"id\":7}", AUTH_FAILED},
        {204, "", AUTH_FAILED},
        {302, "", AUTH_FAILED},
        {400, "", AUTH_FAILED},
        {404, "{\"id\":7}", AUTH_FAILED},
        {500, "", AUTH_FAILED},
        {504, "", AUTH_FAILED},
        {200, "{\"success\":false,\"code\":401,\"data\":null}", AUTH_BAD},
        {200, "{\"success\":false,\"code\":403,\"data\":{\"id\":7}}", AUTH_DENIED},
        {200, "{\"success\":false,\"code\":200,\"data\":{\"id\":7}}", AUTH_FAILED},
        {200, "{\"success\":false,\"id\":7}", AUTH_FAILED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct auth_result result;
        const char *fault = read(cases[i].status, cases[i].body, &result);

        assert_int_equal(result.verdict, cases[i].verdict);
        assert_null(result.user);
        assert_non_null(result.message);
        assert_int_equal(fault == NULL,
                         result.verdict == AUTH_BAD || result.verdict == AUTH_DENIED);
    }
}

static void test_failures(void **state)
{
    static const struct {
        int error;
        enum auth_verdict verdict;
    } cases[] = {{-ETIMEDOUT, AUTH_TIMEOUT},
                 {-EBUSY, AUTH_BUSY},
                 {-ECONNREFUSED, AUTH_FAILED},
                 {-EMSGSIZE, AUTH_FAILED},
                 {-ECANCELED, AUTH_FAILED}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct outbound_answer answer = {
            .error = cases[i].error, .reason = "why", .body = ""};
        struct auth_result result;

        assert_string_equal(auth_webhook_answer_read(&answer, NOW, false, &result), "why");
        assert_int_equal(result.verdict, cases[i].verdict);
    }
}

static void test_lifetime_and_attributes(void **state)
{
    struct sse_user *user =
        user_of("{\"id\":7,\"lifetime\":90.5,\"attributes\":{\"a\":[1]},\"b\":2}");
    struct sse_user *copy = sse_user_copy(user);
    struct auth_result result;

    (void)state;
    assert_int_equal(copy->lifetime_ms, 90500);
    assert_string_equal(copy->attributes, "{\"a\":[1]}");
    assert_string_equal(copy->extra, "{\"b\":2}");
    sse_user_unref(user);
    sse_user_unref(copy);
    user = user_of("{\"id\":7,\"lifetime\":null,\"attributes\":null}");
    assert_int_equal(user->lifetime_ms, 0);
    assert_null(user->attributes);
    sse_user_unref(user);
    assert_non_null(read(200, "{\"id\":7,\"lifetime\":0}", &result));
    assert_non_null(read(200, "{\"id\":7,\"lifetime\":\"1\"}", &result));
    assert_non_null(read(200, "{\"id\":7,\"lifetime\":2592001}", &result));
    assert_non_null(read(200, "{\"id\":7,\"attributes\":[1]}", &result));
}

static void expect_data(int status, const char *body, const char *data)
{
    struct auth_result result;

    (void)read(status, body, &result);
    if (data)
        assert_string_equal(result.data->data, data);
    else
        assert_null(result.data);
    bytes_unref(result.data);
}

static void test_what_the_page_is_told_with_a_refusal(void **state)
{
    char long_body[5000];

    (void)state;
    expect_data(401, "{\"body\":{\"why\": \"\\u0022gone\"},\"trace\":\"x\"}",
                "{\"why\":\"\\\"gone\"}");
    expect_data(403, "{\"body\":\"text\"}", "\"text\"");
    expect_data(401, "{\"error\":\"of a framework\"}", NULL);
    expect_data(401, "no JSON", NULL);
    expect_data(401, "", NULL);
    expect_data(503, "{\"body\":1}", NULL);
    expect_data(500, "{\"body\":1}", NULL);
    snprintf(long_body, sizeof(long_body), "{\"body\":\"%04900d\"}", 1);
    expect_data(401, long_body, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_whole_user),
        cmocka_unit_test(test_the_least_of_a_user),
        cmocka_unit_test(test_wrappings),
        cmocka_unit_test(test_time_in_seconds),
        cmocka_unit_test(test_what_has_expired_is_no_credential),
        cmocka_unit_test(test_answers_of_no_use),
        cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_lifetime_and_attributes),
        cmocka_unit_test(test_what_the_page_is_told_with_a_refusal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
