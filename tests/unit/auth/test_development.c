/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "auth/auth.h"
#include "sse/user.h"
#include "support/test.h"

/* A request of up to eight "place", "name", "value" triples. */
struct request {
    const char *items[8][3];
};

static const char *find(const struct request *request, const char *place, const char *name)
{
    for (size_t i = 0; i < 8 && request->items[i][0]; i++) {
        if (strcmp(request->items[i][0], place) == 0 && strcmp(request->items[i][1], name) == 0)
            return request->items[i][2];
    }
    return NULL;
}

static const char *find_parameter(const void *request, const char *name)
{
    return find(request, "query", name);
}

static const char *find_cookie(const void *request, const char *name)
{
    return find(request, "cookie", name);
}

static const char *find_header(const void *request, const char *name)
{
    return find(request, "header", name);
}

static void keep_result(void *context, const struct auth_result *result)
{
    *(struct auth_result *)context = *result;
}

static struct auth_result check(const struct request *request)
{
    struct auth *auth = auth_development_new(false);
    struct auth_facts facts = {.method = "GET",
                               .path = "/sse/demo/connect",
                               .peer = "127.0.0.1",
                               .header = find_header,
                               .cookie = find_cookie,
                               .parameter = find_parameter,
                               .request = request};
    struct auth_result result = {.verdict = AUTH_FAILED};

    auth_check(auth, &facts, keep_result, &result);
    auth_free(auth);
    return result;
}

static void test_user_from_query(void **state)
{
    struct request request = {{{"query", "userId", "7"},
                               {"query", "name", "Ann"},
                               {"query", "tenantId", "t1"},
                               {"query", "access-token", "abc"}}};
    struct auth_result result = check(&request);

    (void)state;
    assert_int_equal(result.verdict, AUTH_OK);
    assert_string_equal(result.user->id, "7");
    assert_string_equal(result.user->name, "Ann");
    assert_string_equal(result.user->tenant_id, "t1");
    assert_string_equal(result.user->access_token, "abc");
    sse_user_unref(result.user);
}

static void test_query_and_cookie_are_not_mixed(void **state)
{
    struct request request = {
        {{"query", "userId", "7"}, {"cookie", "userId", "8"}, {"cookie", "tenantId", "t2"}}};
    struct auth_result result = check(&request);

    (void)state;
    assert_int_equal(result.verdict, AUTH_OK);
    assert_string_equal(result.user->id, "7");
    assert_string_equal(result.user->tenant_id, "");
    sse_user_unref(result.user);
}

static void test_user_from_cookie(void **state)
{
    struct request request = {{{"query", "userId", ""}, {"cookie", "userId", "8"}}};
    struct auth_result result = check(&request);

    (void)state;
    assert_int_equal(result.verdict, AUTH_OK);
    assert_string_equal(result.user->id, "8");
    sse_user_unref(result.user);
}

static void test_nobody(void **state)
{
    struct request request = {{{"query", "name", "Ann"}}};
    struct auth_result result = check(&request);

    (void)state;
    assert_int_equal(result.verdict, AUTH_NONE);
    assert_non_null(strstr(result.message, "userId"));
}

static void test_hostile_texts(void **state)
{
    char longest[300];
    struct request request = {{{"cookie", "userId", longest}}};

    (void)state;
    memset(longest, 'a', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(check(&request).verdict, AUTH_BAD);
    request.items[0][2] = "a\xff";
    assert_int_equal(check(&request).verdict, AUTH_BAD);
    request.items[0][2] = "a\nb";
    assert_int_equal(check(&request).verdict, AUTH_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_user_from_query),
        cmocka_unit_test(test_query_and_cookie_are_not_mixed),
        cmocka_unit_test(test_user_from_cookie),
        cmocka_unit_test(test_nobody),
        cmocka_unit_test(test_hostile_texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
