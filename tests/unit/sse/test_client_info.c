/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "sse/client_info.h"
#include "support/test.h"

/* Each text says which field it is in. */
static const struct sse_client_info whole = {
    .client_id = "client_id",
    .client_version = "client_version",
    .client_instance_id = "client_instance_id",
    .client_instance_time = "client_instance_time",
    .client_import_module_time = "client_import_module_time",
    .location_href = "location_href",
    .screen = "screen",
    .total_js_heap_size = "total_js_heap_size",
    .used_js_heap_size = "used_js_heap_size",
    .js_heap_size_limit = "js_heap_size_limit",
    .request_ip = "request_ip",
    .request_tls = "request_tls",
    .request_domain = "request_domain",
    .user_agent = "user_agent",
    .http_parameters = "http_parameters",
    .http_headers = "http_headers",
};

static void test_every_field_comes_back(void **state)
{
    struct sse_intern *intern = sse_intern_new();
    struct sse_packed_info *packed = sse_client_info_pack(&whole, intern);
    struct sse_client_info info = {0};

    (void)state;
    sse_client_info_unpack(packed, &info);
    assert_string_equal(info.client_id, "client_id");
    assert_string_equal(info.client_version, "client_version");
    assert_string_equal(info.client_instance_id, "client_instance_id");
    assert_string_equal(info.client_instance_time, "client_instance_time");
    assert_string_equal(info.client_import_module_time, "client_import_module_time");
    assert_string_equal(info.location_href, "location_href");
    assert_string_equal(info.screen, "screen");
    assert_string_equal(info.total_js_heap_size, "total_js_heap_size");
    assert_string_equal(info.used_js_heap_size, "used_js_heap_size");
    assert_string_equal(info.js_heap_size_limit, "js_heap_size_limit");
    assert_string_equal(info.request_ip, "request_ip");
    assert_string_equal(info.request_tls, "request_tls");
    assert_string_equal(info.request_domain, "request_domain");
    assert_string_equal(info.user_agent, "user_agent");
    assert_string_equal(info.http_parameters, "http_parameters");
    assert_string_equal(info.http_headers, "http_headers");
    sse_client_info_free(packed, intern);
    sse_intern_free(intern);
}

static void test_null_is_empty(void **state)
{
    static const struct sse_client_info nothing;
    struct sse_intern *intern = sse_intern_new();
    struct sse_packed_info *packed = sse_client_info_pack(&nothing, intern);
    struct sse_client_info info = {0};

    (void)state;
    sse_client_info_unpack(packed, &info);
    assert_string_equal(info.client_id, "");
    assert_string_equal(info.user_agent, "");
    assert_string_equal(info.http_parameters, "");
    sse_client_info_free(packed, intern);
    sse_client_info_free(NULL, intern);
    sse_intern_free(NULL);
    sse_intern_free(intern);
}

static void test_what_browsers_share_is_held_once(void **state)
{
    struct sse_intern *intern = sse_intern_new();
    struct sse_packed_info *one = sse_client_info_pack(&whole, intern);
    struct sse_packed_info *other = sse_client_info_pack(&whole, intern);
    struct sse_client_info first = {0};
    struct sse_client_info second = {0};

    (void)state;
    sse_client_info_unpack(one, &first);
    sse_client_info_unpack(other, &second);
    assert_ptr_equal(first.user_agent, second.user_agent);
    assert_ptr_equal(first.http_headers, second.http_headers);
    assert_ptr_not_equal(first.client_id, second.client_id);
    sse_client_info_free(one, intern);
    assert_string_equal(second.user_agent, "user_agent");
    sse_client_info_free(other, intern);
    sse_intern_free(intern);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field_comes_back),
        cmocka_unit_test(test_null_is_empty),
        cmocka_unit_test(test_what_browsers_share_is_held_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
