/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "h2/request.h"
#include "h2/session.h"
#include "support/h2_limits.h"
#include "support/test.h"

static void add(struct h2_request_builder *builder, const char *name, const char *value)
{
    h2_request_builder_add(builder, (const uint8_t *)name, strlen(name), (const uint8_t *)value,
                           strlen(value));
}

static struct h2_request_builder *begin(const char *method, const char *path)
{
    struct h2_request_builder *builder = h2_request_builder_new(&h2_limits_default);

    add(builder, ":method", method);
    add(builder, ":scheme", "https");
    add(builder, ":authority", "localhost:8443");
    add(builder, ":path", path);
    return builder;
}

/* The fault of a request for that path. */
static int fault_of_path(const char *path)
{
    struct h2_request *request = h2_request_builder_finish(begin("GET", path));
    int fault = request->fault;

    assert_true((fault != 0) == (request->fault_text != NULL));
    assert_true(strlen(request->query) <= strlen(path)); /* readable, whatever the fault */
    assert_true(strlen(request->path) <= strlen(path));
    h2_request_free(request);
    return fault;
}

static void test_whole_request(void **state)
{
    struct h2_request_builder *builder = begin("POST", "/a%20b/./c?x=1&y=%41");

    (void)state;
    add(builder, "content-length", "12");
    add(builder, "cookie", "a=1");
    add(builder, "accept", "*/*");
    add(builder, "cookie", "b=2");
    struct h2_request *request = h2_request_builder_finish(builder);
    assert_int_equal(request->fault, 0);
    assert_string_equal(request->method, "POST");
    assert_string_equal(request->scheme, "https");
    assert_string_equal(request->authority, "localhost:8443");
    assert_string_equal(request->path, "/a b/c");
    assert_string_equal(request->query, "x=1&y=%41");
    assert_int_equal(request->header_count, 3);
    assert_string_equal(h2_request_header(request, "cookie"), "a=1; b=2");
    assert_string_equal(h2_request_header(request, "accept"), "*/*");
    assert_int_equal(request->content_length, 12);
    h2_request_free(request);
}

static void test_no_content_length(void **state)
{
    struct h2_request *request = h2_request_builder_finish(begin("GET", "/"));

    (void)state;
    assert_true(request->content_length == H2_NO_CONTENT_LENGTH);
    assert_int_equal(request->header_count, 0);
    h2_request_free(request);
}

static void test_bad_paths(void **state)
{
    (void)state;
    assert_int_equal(fault_of_path("/%2f"), 400);
    assert_int_equal(fault_of_path("/%zz?query=1"), 400);
    assert_int_equal(fault_of_path("/../etc"), 400);
    assert_int_equal(fault_of_path("*"), 400);
    assert_int_equal(fault_of_path("/?%2f"), 0);
}

static void test_path_length(void **state)
{
    char path[4098];

    (void)state;
    memset(path, 'a', sizeof(path));
    path[0] = '/';
    path[4096] = '\0';
    assert_int_equal(fault_of_path(path), 0);
    path[4096] = 'a';
    path[4097] = '\0';
    struct h2_request *request = h2_request_builder_finish(begin("GET", path));
    assert_int_equal(request->fault, 414);
    assert_string_equal(request->path, "");
    assert_string_equal(request->query, "");
    h2_request_free(request);
}

static int fault_with_fields(size_t count, const char *name, const char *value)
{
    struct h2_request_builder *builder = begin("GET", "/");

    for (size_t i = 0; i < count; i++)
        add(builder, name, value);
    struct h2_request *request = h2_request_builder_finish(builder);
    int fault = request->fault;
    h2_request_free(request);
    return fault;
}

static void test_field_count(void **state)
{
    (void)state;
    assert_int_equal(fault_with_fields(96, "x", "y"), 0); /* and four pseudo-header fields */
    assert_int_equal(fault_with_fields(97, "x", "y"), 431);
    assert_int_equal(fault_with_fields(96, "cookie", "a=1"), 0);
    assert_int_equal(fault_with_fields(97, "cookie", "a=1"), 431);
    assert_int_equal(fault_with_fields(20000, "cookie", ""), 431);
}

static void test_field_size(void **state)
{
    char value[8193];

    (void)state;
    memset(value, 'v', sizeof(value));
    value[8191] = '\0';
    assert_int_equal(fault_with_fields(1, "x", value), 0);
    value[8191] = 'v';
    value[8192] = '\0';
    assert_int_equal(fault_with_fields(1, "x", value), 431);
}

/* 16 KiB in all: the four pseudo-header fields are 7+3 + 7+5 + 10+14 + 5+1 and 32 each. */
static void test_list_size(void **state)
{
    size_t left = 16384 - (7 + 3 + 7 + 5 + 10 + 14 + 5 + 1 + 4 * 32);
    char value[8193];

    (void)state;
    memset(value, 'v', sizeof(value));
    for (int more = 0; more < 2; more++) {
        struct h2_request_builder *builder = begin("GET", "/");
        value[8000] = '\0';
        add(builder, "x", value);
        value[8000] = 'v';
        value[left - 8033 - 33 + (size_t)more] = '\0';
        add(builder, "x", value);
        value[left - 8033 - 33 + (size_t)more] = 'v';
        struct h2_request *request = h2_request_builder_finish(builder);
        assert_int_equal(request->fault, more ? 431 : 0);
        h2_request_free(request);
    }
}

static int fault_of_authority(const char *authority, const char *host)
{
    struct h2_request_builder *builder = h2_request_builder_new(&h2_limits_default);

    add(builder, ":method", "GET");
    add(builder, ":scheme", "https");
    add(builder, ":path", "/");
    if (authority)
        add(builder, ":authority", authority);
    if (host)
        add(builder, "host", host);
    struct h2_request *request = h2_request_builder_finish(builder);
    int fault = request->fault;
    if (!fault)
        assert_string_equal(request->authority, authority ? authority : host ? host : "");
    h2_request_free(request);
    return fault;
}

static void test_authority(void **state)
{
    (void)state;
    assert_int_equal(fault_of_authority("a", NULL), 0);
    assert_int_equal(fault_of_authority(NULL, "a"), 0);
    assert_int_equal(fault_of_authority(NULL, NULL), 0);
    assert_int_equal(fault_of_authority("a", "A"), 0);
    assert_int_equal(fault_of_authority("a", "b"), 400);
    assert_int_equal(fault_of_authority("a", "a:443"), 400);
    assert_int_equal(fault_of_authority("user@a", NULL), 400);
    assert_int_equal(fault_of_authority(NULL, "user@a"), 400);
}

static void test_connect(void **state)
{
    struct h2_request_builder *builder = h2_request_builder_new(&h2_limits_default);

    (void)state;
    add(builder, ":method", "CONNECT");
    add(builder, ":authority", "example.com:443");
    struct h2_request *request = h2_request_builder_finish(builder);
    assert_int_equal(request->fault, 405);
    assert_string_equal(request->path, "");
    h2_request_free(request);
}

static void test_given_up(void **state)
{
    (void)state;
    h2_request_builder_free(begin("GET", "/"));
    h2_request_builder_free(NULL);
    h2_request_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_request), cmocka_unit_test(test_no_content_length),
        cmocka_unit_test(test_bad_paths),     cmocka_unit_test(test_path_length),
        cmocka_unit_test(test_field_count),   cmocka_unit_test(test_field_size),
        cmocka_unit_test(test_list_size),     cmocka_unit_test(test_authority),
        cmocka_unit_test(test_connect),       cmocka_unit_test(test_given_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
