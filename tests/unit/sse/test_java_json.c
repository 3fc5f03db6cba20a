/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "sse/client_info.h"
#include "sse/connection.h"
#include "sse/user.h"
#include "support/test.h"

static void assert_text(json_t *value, const char *expected)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

    assert_string_equal(text, expected);
    free(text);
    json_decref(value);
}

static void times_are_written_as_spring_does(void **state)
{
    (void)state;
    assert_text(sse_java_time(0), "null");
    assert_text(sse_java_time(1), "\"1970-01-01T00:00:00.001+00:00\"");
    assert_text(sse_java_time(1795909266249), "\"2026-11-28T23:41:06.249+00:00\"");
    assert_text(sse_java_time(-1), "null");
}

static void numbers_stay_numbers(void **state)
{
    struct sse_user_fields fields = {
        .id = "7", .name = "Ann", .tenant_id = "3", .access_token = "t7", .has_number_id = true};
    struct sse_user *user = sse_user_new(&fields);
    struct sse_user *copy;

    (void)state;
    assert_text(sse_java_user(user, true),
                "{\"accessToken\":\"t7\",\"id\":7,\"name\":\"Ann\",\"tenantId\":\"3\"}");
    assert_text(sse_java_user(user, false),
                "{\"accessToken\":\"***\",\"id\":7,\"name\":\"Ann\",\"tenantId\":\"3\"}");
    sse_user_unref(user);
    fields.has_number_tenant = true;
    fields.name = NULL;
    fields.extra = json_pack("{s:b}", "boss", 1);
    user = sse_user_new(&fields);
    copy = sse_user_copy(user);
    assert_text(sse_java_user(copy, true),
                "{\"accessToken\":\"t7\",\"id\":7,\"name\":null,\"tenantId\":3,\"boss\":true}");
    json_decref((json_t *)fields.extra);
    sse_user_unref(user);
    sse_user_unref(copy);
}

static void parameters_are_in_their_order(void **state)
{
    struct sse_client_info info = {
        .client_id = "c1",
        .location_href = "https://a",
        .http_parameters = "{\"userId\":\"7\",\"clientId\":0,\"channel\":[\"red\"],"
                           "\"foo\":\"bar\",\"locationHref\":0}",
    };

    (void)state;
    assert_text(sse_parameters_own(&info), "{\"userId\":\"7\",\"foo\":\"bar\"}");
    assert_text(sse_parameters_all(&info),
                "{\"userId\":\"7\",\"clientId\":\"c1\",\"channel\":\"red\",\"foo\":\"bar\","
                "\"locationHref\":\"https://a\"}");
    info.http_parameters = "";
    assert_text(sse_parameters_all(&info), "{}");
    assert_true(sse_parameters_is_member("screen"));
    assert_false(sse_parameters_is_member("listeners"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_written_as_spring_does),
        cmocka_unit_test(numbers_stay_numbers),
        cmocka_unit_test(parameters_are_in_their_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
