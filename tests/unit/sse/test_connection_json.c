/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "support/sse_env.h"
#include "support/test.h"

static const struct sse_client_info client = {
    .client_id = "c1",
    .client_version = "1.0",
    .client_instance_id = "i1",
    .client_instance_time = "1700000000001",
    .client_import_module_time = "soon",
    .location_href = "https://a/b",
    .screen = "800x600",
    .total_js_heap_size = "123",
    .js_heap_size_limit = "9999999999999999999",
    .request_ip = "::1",
    .request_tls = "TLSv1.3 AES",
    .request_domain = "https://a",
    .user_agent = "test",
    .http_parameters = "{\"channel\":[\"news\"],\"x\":\"1\",\"clientId\":0}",
    .http_headers = "not JSON",
    .access_time = 1700000000002,
    .session_duration = 60,
};

static struct sse_connection *connect_client(struct sse_env *env, struct recording_sink *sink,
                                             struct sse_user *user)
{
    static const char *const listeners[] = {"bell", "chat"};
    static const char *const channels[] = {"news", "a,b"};
    const struct sse_connection_options options = {
        .user = user,
        .info = &client,
        .listeners = listeners,
        .listener_count = 2,
        .channels = channels,
        .channel_count = 2,
        .sink = &recording_sink,
        .sink_context = sink,
        .keepalive_time_ms = 900000,
    };

    sink->connection = sse_connection_open(env->service, &options);
    sse_user_unref(user);
    return sink->connection;
}

static void assert_json(const json_t *shown, const char *key, json_t *expected)
{
    const json_t *value = json_object_get(shown, key);

    if (!json_equal(value, expected))
        fail_msg("%s", key);
    json_decref(expected);
}

static void test_all_fields(void **state)
{
    struct sse_env env;
    struct recording_sink sink = {0};
    struct sse_connection *connection;
    json_t *shown;

    (void)state;
    sse_env_open(&env);
    connection = connect_client(
        &env, &sink,
        sse_user_new(&(struct sse_user_fields){
            .id = "7", .name = "Ann", .access_token = "secret-token", .tenant_id = "t"}));
    connection->request_message_count = 3;
    shown = sse_connection_to_json(connection, "node-1");
    assert_int_equal(json_object_size(shown), 33);
    assert_json(shown, "id", json_string(connection->handle));
    assert_json(shown, "createTime", json_integer(loop_wall_ms(env.loop)));
    assert_json(shown, "timeout", json_integer(900000));
    assert_json(shown, "accessTime", json_integer(1700000000002));
    assert_json(shown, "messageCount", json_integer(0));
    assert_json(shown, "channel", json_string("news"));
    assert_json(shown, "channels", json_pack("[s, s]", "news", "a,b"));
    assert_json(shown, "sessionDuration", json_integer(60));
    assert_json(shown, "lastRequestTime", json_null());
    assert_json(shown, "requestMessageCount", json_integer(3));
    assert_json(shown, "requestUploadCount", json_integer(0));
    assert_json(shown, "listeners", json_pack("[s, s]", "bell", "chat"));
    assert_json(shown, "locationHref", json_string("https://a/b"));
    assert_json(shown, "accessUserId", json_string("7"));
    assert_json(shown, "accessTenantId", json_string("t"));
    assert_json(shown, "accessToken",
                json_string("secr\xe2\x80\xa6"
                            "en"));
    assert_json(shown, "accessUser",
                json_pack("{s:s, s:s, s:s, s:s}", "id", "7", "name", "Ann", "accessToken",
                          "secr\xe2\x80\xa6"
                          "en",
                          "tenantId", "t"));
    assert_json(shown, "clientId", json_string("c1"));
    assert_json(shown, "clientVersion", json_string("1.0"));
    assert_json(shown, "clientImportModuleTime", json_string("soon"));
    assert_json(shown, "clientInstanceId", json_string("i1"));
    assert_json(shown, "clientInstanceTime", json_integer(1700000000001));
    assert_json(shown, "serverId", json_string("node-1"));
    assert_json(shown, "requestIp", json_string("::1"));
    assert_json(shown, "requestTls", json_string("TLSv1.3 AES"));
    assert_json(shown, "requestDomain", json_string("https://a"));
    assert_json(shown, "userAgent", json_string("test"));
    assert_json(shown, "httpParameters", json_pack("{s:s}", "x", "1"));
    assert_json(shown, "httpHeaders", json_object());
    assert_json(shown, "screen", json_string("800x600"));
    assert_json(shown, "totalJSHeapSize", json_integer(123));
    assert_json(shown, "usedJSHeapSize", json_null());
    assert_json(shown, "jsHeapSizeLimit", json_string("9999999999999999999"));
    json_decref(shown);
    sse_env_leave(&sink);
    sse_env_close(&env);
}

static void assert_token(const char *token, json_t *expected)
{
    struct sse_env env;
    struct recording_sink sink = {0};
    json_t *shown;

    sse_env_open(&env);
    connect_client(&env, &sink,
                   sse_user_new(&(struct sse_user_fields){.id = "7", .access_token = token}));
    shown = sse_connection_to_json(sink.connection, "");
    assert_true(
        json_equal(json_object_get(json_object_get(shown, "accessUser"), "accessToken"), expected));
    assert_json(shown, "accessToken", expected);
    json_decref(shown);
    sse_env_leave(&sink);
    sse_env_close(&env);
}

static void test_tokens_are_not_shown(void **state)
{
    (void)state;
    assert_token("", json_null());
    assert_token("a", json_string("***"));
    assert_token("12345678", json_string("***"));
    assert_token("123456789", json_string("1234\xe2\x80\xa6"
                                          "89"));
    assert_token("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", json_string("***"));
    /* Characters, not bytes: eight of two bytes each are eight. */
    assert_token("\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9",
                 json_string("***"));
    assert_token("\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa8",
                 json_string("\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xe2\x80\xa6\xc3\xa9\xc3\xa8"));
}

/* Whoever watches shows a connection that has just ended. */
static void test_after_the_end(void **state)
{
    struct sse_env env;
    struct recording_sink sink = {0};
    json_t *shown;

    (void)state;
    sse_env_open(&env);
    connect_client(&env, &sink, sse_user_new(&(struct sse_user_fields){.id = "7"}));
    sse_connection_close(sink.connection, SSE_CLOSE_KICKED, NULL, -1);
    shown = sse_connection_to_json(sink.connection, "");
    assert_json(shown, "listeners", json_pack("[s, s]", "bell", "chat"));
    json_decref(shown);
    sse_env_leave(&sink);
    sse_env_close(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_fields),
        cmocka_unit_test(test_tokens_are_not_shown),
        cmocka_unit_test(test_after_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
