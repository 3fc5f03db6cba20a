/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "sse/target.h"
#include "support/test.h"

#define EVERY ((1u << SSE_DIMENSIONS) - 1)

static int read_target(struct sse_target *target, const char *text, unsigned allowed, char *fault,
                       size_t size)
{
    json_t *object = json_loads(text, 0, NULL);
    int status;

    assert_non_null(object);
    status = sse_target_from_json(target, object, allowed, fault, size);
    json_decref(object);
    return status;
}

static void assert_refused(const char *text, unsigned allowed, const char *sentence)
{
    struct sse_target target;
    char fault[256] = "";

    assert_int_equal(read_target(&target, text, allowed, fault, sizeof(fault)), -EINVAL);
    assert_string_equal(fault, sentence);
    sse_target_release(&target);
}

static void test_each_dimension(void **state)
{
    static const char *const texts[SSE_DIMENSIONS] = {
        [SSE_BY_USER] = "{\"userId\":\"7\"}",           [SSE_BY_TOKEN] = "{\"accessToken\":\"7\"}",
        [SSE_BY_TENANT] = "{\"tenantId\":[\"7\"]}",     [SSE_BY_CHANNEL] = "{\"channel\":7}",
        [SSE_BY_CONNECTION] = "{\"connectionId\":[7]}", [SSE_ALL] = "{\"all\":true}",
    };

    (void)state;
    for (unsigned i = 0; i < SSE_DIMENSIONS; i++) {
        struct sse_target target;
        char fault[256];

        assert_int_equal(read_target(&target, texts[i], EVERY, fault, sizeof(fault)), 0);
        assert_int_equal(target.dimension, i);
        assert_null(target.listening);
        if (i == SSE_ALL) {
            assert_null(target.values);
        } else {
            assert_int_equal(target.count, 1);
            assert_string_equal(target.values[0], "7");
        }
        sse_target_release(&target);
    }
}

static void test_numbers_are_texts(void **state)
{
    struct sse_target target;
    char fault[256];

    (void)state;
    assert_int_equal(read_target(&target,
                                 "{\"userId\":[7,\"7\",-1,9223372036854775807,"
                                 "-9223372036854775808,\"caf\\u00e9\"]}",
                                 EVERY, fault, sizeof(fault)),
                     0);
    assert_int_equal(target.count, 6);
    assert_string_equal(target.values[0], target.values[1]);
    assert_string_equal(target.values[2], "-1");
    assert_string_equal(target.values[3], "9223372036854775807");
    assert_string_equal(target.values[4], "-9223372036854775808");
    assert_string_equal(target.values[5], "caf\xc3\xa9");
    sse_target_release(&target);
}

static void test_nobody_is_a_target(void **state)
{
    struct sse_target target;
    char fault[256];

    (void)state;
    assert_int_equal(read_target(&target, "{\"userId\":[]}", EVERY, fault, sizeof(fault)), 0);
    assert_int_equal(target.count, 0);
    sse_target_release(&target);
}

static void test_faults(void **state)
{
    static const char user_fault[] =
        "\"userId\" must be a non-empty string, an integer, or an array of these";

    (void)state;
    assert_refused("{\"userId\":\"\"}", EVERY, user_fault);
    assert_refused("{\"userId\":null}", EVERY, user_fault);
    assert_refused("{\"userId\":1.5}", EVERY, user_fault);
    assert_refused("{\"userId\":true}", EVERY, user_fault);
    assert_refused("{\"userId\":{}}", EVERY, user_fault);
    assert_refused("{\"userId\":[[1]]}", EVERY, user_fault);
    assert_refused("{\"userId\":[1,null]}", EVERY, user_fault);
    assert_refused("{\"all\":false}", EVERY,
                   "no selector; give exactly one of \"userId\" \"accessToken\" \"tenantId\" "
                   "\"channel\" \"connectionId\" \"all\"");
    assert_refused("{\"all\":1}", EVERY, "\"all\" must be true");
    assert_refused("{}", 1u << SSE_BY_USER | 1u << SSE_BY_CONNECTION,
                   "no selector; give exactly one of \"userId\" \"connectionId\"");
    assert_refused("{\"userId\":1,\"all\":true}", EVERY,
                   "more than one selector; give exactly one of \"userId\" \"accessToken\" "
                   "\"tenantId\" \"channel\" \"connectionId\" \"all\"");
    assert_refused("{\"all\":true}", 1u << SSE_BY_USER,
                   "no such selector here; give exactly one of \"userId\"");
}

static void test_fault_is_cut_to_size(void **state)
{
    struct sse_target target;
    char fault[24];

    (void)state;
    assert_int_equal(read_target(&target, "{}", EVERY, fault, sizeof(fault)), -EINVAL);
    assert_string_equal(fault, "no selector; give exact");
}

static json_t *many(size_t count)
{
    json_t *values = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(values, json_integer((json_int_t)i));
    return json_pack("{s:o}", "userId", values);
}

static void test_ten_thousand_values(void **state)
{
    struct sse_target target;
    char fault[256];
    json_t *most = many(SSE_TARGET_MAX_VALUES);
    json_t *more = many(SSE_TARGET_MAX_VALUES + 1);

    (void)state;
    assert_int_equal(sse_target_from_json(&target, most, EVERY, fault, sizeof(fault)), 0);
    assert_int_equal(target.count, SSE_TARGET_MAX_VALUES);
    assert_string_equal(target.values[0], "0");
    assert_string_equal(target.values[9999], "9999");
    sse_target_release(&target);
    assert_int_equal(sse_target_from_json(&target, more, EVERY, fault, sizeof(fault)), -EINVAL);
    assert_string_equal(fault, "\"userId\" has 10001 values; at most 10000 are taken");
    json_decref(most);
    json_decref(more);
}

/* A parser would not let it through; whoever builds JSON by hand might. */
static void test_nul_in_a_value(void **state)
{
    struct sse_target target;
    char fault[256];
    json_t *object = json_pack("{s:o}", "userId", json_stringn("a\0b", 3));

    (void)state;
    assert_int_equal(sse_target_from_json(&target, object, EVERY, fault, sizeof(fault)), -EINVAL);
    json_decref(object);
}

static void test_bytes(void **state)
{
    char *values[] = {(char *)(uintptr_t) "ann", (char *)(uintptr_t) "b"};
    struct sse_target target = {.dimension = SSE_BY_USER, .values = values, .count = 2};

    (void)state;
    assert_int_equal(sse_target_bytes(&target), 2 * sizeof(char *) + 4 + 2);
    target.listening = (char *)(uintptr_t) "bell";
    assert_int_equal(sse_target_bytes(&target), 2 * sizeof(char *) + 4 + 2 + 5);
    assert_int_equal(sse_target_bytes(&(struct sse_target){.dimension = SSE_ALL}), 0);
}

static void test_each_value_once_in_order(void **state)
{
    struct sse_target target;
    char fault[256];

    (void)state;
    assert_int_equal(read_target(&target, "{\"userId\":[\"b\",7,\"a\",\"7\",\"b\",7]}", EVERY,
                                 fault, sizeof(fault)),
                     0);
    sse_target_unite(&target);
    assert_int_equal(target.count, 3);
    assert_string_equal(target.values[0], "7");
    assert_string_equal(target.values[1], "a");
    assert_string_equal(target.values[2], "b");
    sse_target_release(&target);
    target.dimension = SSE_ALL;
    sse_target_unite(&target);
    assert_int_equal(target.count, 0);
}

/* Written back as it came, and never with what is between the two. */
static void assert_comes_back(const char *text, const char *expected)
{
    struct sse_target target;
    struct buf written = BUF_INIT;
    char fault[256];
    char *tenant;

    assert_int_equal(read_target(&target, text, EVERY | SSE_TARGET_OF_TENANT, fault, sizeof(fault)),
                     0);
    assert_int_equal(target.dimension, SSE_BY_USER);
    buf_append_str(&written, "{\"userId\":");
    sse_target_write(&target, &written);
    tenant = sse_target_users_tenant(&target);
    if (tenant)
        buf_printf(&written, ",\"tenantId\":\"%s\"", tenant);
    buf_append_char(&written, '}');
    assert_string_equal(buf_str(&written), expected);
    free(tenant);
    buf_release(&written);
    sse_target_release(&target);
}

static void test_users_of_a_tenant(void **state)
{
    struct sse_target target;
    char fault[256];

    (void)state;
    assert_int_equal(read_target(&target, "{\"userId\":[\"42\",7],\"tenantId\":\"red\"}",
                                 1u << SSE_BY_USER, fault, sizeof(fault)),
                     0);
    assert_int_equal(target.count, 2);
    assert_string_equal(target.values[0], "red\x1f"
                                          "42");
    assert_string_equal(target.values[1], "red\x1f"
                                          "7");
    sse_target_release(&target);
    assert_comes_back("{\"userId\":\"42\",\"tenantId\":\"red\"}",
                      "{\"userId\":[\"42\"],\"tenantId\":\"red\"}");
    assert_comes_back("{\"tenantId\":-7,\"userId\":[42,\"43\"]}",
                      "{\"userId\":[\"42\",\"43\"],\"tenantId\":\"-7\"}");
    assert_comes_back("{\"userId\":42,\"tenantId\":\"\"}",
                      "{\"userId\":[\"42\"],\"tenantId\":\"\"}");
    assert_comes_back("{\"userId\":42,\"tenantId\":\"a\",\"all\":false}",
                      "{\"userId\":[\"42\"],\"tenantId\":\"a\"}");
}

static void test_faults_of_tenants(void **state)
{
    static const char control[] = "\"%s\" has a control character, which no user and no tenant has";
    static const char *const faulty[] = {"{\"userId\":1,\"tenantId\":[\"a\"]}",
                                         "{\"userId\":1,\"tenantId\":null}",
                                         "{\"userId\":1,\"tenantId\":1.5}"};
    char user[128], tenant[128];

    (void)state;
    snprintf(user, sizeof(user), control, "userId");
    snprintf(tenant, sizeof(tenant), control, "tenantId");
    assert_refused("{\"userId\":\"a\\u001f1\"}", EVERY, user);
    assert_refused("{\"userId\":[\"1\",\"\\n\"]}", EVERY, user);
    assert_refused("{\"tenantId\":\"a\\u001f\"}", EVERY, tenant);
    assert_refused("{\"userId\":1,\"tenantId\":\"\\u007f\"}", EVERY, tenant);
    for (size_t i = 0; i < sizeof(faulty) / sizeof(faulty[0]); i++)
        assert_refused(faulty[i], EVERY,
                       "\"tenantId\" beside \"userId\" must be one string, or an integer");
    assert_refused("{\"userId\":1}", EVERY | SSE_TARGET_OF_TENANT,
                   "\"userId\" alone names nobody here, since users are unique within their tenant "
                   "(services[].users.unique); give \"tenantId\" beside it, \"\" for users without "
                   "one");
    assert_refused("{\"channel\":1,\"tenantId\":2}", EVERY,
                   "more than one selector; give exactly one of \"userId\" \"accessToken\" "
                   "\"tenantId\" \"channel\" \"connectionId\" \"all\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_dimension),           cmocka_unit_test(test_numbers_are_texts),
        cmocka_unit_test(test_nobody_is_a_target),       cmocka_unit_test(test_faults),
        cmocka_unit_test(test_fault_is_cut_to_size),     cmocka_unit_test(test_ten_thousand_values),
        cmocka_unit_test(test_nul_in_a_value),           cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_each_value_once_in_order), cmocka_unit_test(test_users_of_a_tenant),
        cmocka_unit_test(test_faults_of_tenants),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
