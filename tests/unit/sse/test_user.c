/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "sse/user.h"
#include "support/test.h"

static void test_copies_everything(void **state)
{
    json_t *extra = json_pack("{s:i, s:s}", "level", 3, "id", "forged");
    struct sse_user *user = sse_user_new(&(struct sse_user_fields){
        .id = "7", .name = "Ann", .access_token = "tok", .tenant_id = "t1", .extra = extra});
    json_t *shown = sse_user_to_json(user);
    json_t *expected = json_pack("{s:s, s:s, s:s, s:s, s:i}", "id", "7", "name", "Ann",
                                 "accessToken", "***", "tenantId", "t1", "level", 3);

    (void)state;
    json_decref(extra);
    assert_string_equal(user->id, "7");
    assert_string_equal(user->name, "Ann");
    assert_string_equal(user->access_token, "tok");
    assert_string_equal(user->tenant_id, "t1");
    assert_true(json_equal(shown, expected));
    json_decref(shown);
    json_decref(expected);
    assert_null(sse_user_unref(user));
}

static void test_null_is_empty_and_shown_as_null(void **state)
{
    struct sse_user *user = sse_user_new(&(struct sse_user_fields){.id = "7"});
    json_t *shown = sse_user_to_json(user);
    json_t *expected =
        json_pack("{s:s, s:n, s:n, s:n}", "id", "7", "name", "accessToken", "tenantId");

    (void)state;
    assert_string_equal(user->name, "");
    assert_string_equal(user->access_token, "");
    assert_string_equal(user->tenant_id, "");
    assert_null(user->extra);
    assert_true(json_equal(shown, expected));
    json_decref(shown);
    json_decref(expected);
    sse_user_unref(user);
    assert_null(sse_user_unref(NULL));
}

static void test_secrets_are_shown_in_full_only_when_asked_for(void **state)
{
    json_t *extra = json_pack("{s:s, s:s}", "team", "blue", "sessionToken", "hidden");
    struct sse_user *user = sse_user_new(
        &(struct sse_user_fields){.id = "7", .access_token = "abcdefghijkl", .extra = extra});
    json_t *shown = sse_user_to_json(user);
    json_t *in_full = sse_user_to_json_in_full(user);

    (void)state;
    assert_string_equal(json_string_value(json_object_get(shown, "accessToken")),
                        "abcd\xe2\x80\xa6kl");
    assert_string_equal(json_string_value(json_object_get(shown, "sessionToken")), "***");
    assert_string_equal(json_string_value(json_object_get(shown, "team")), "blue");
    assert_string_equal(json_string_value(json_object_get(in_full, "accessToken")), "abcdefghijkl");
    assert_string_equal(json_string_value(json_object_get(in_full, "sessionToken")), "hidden");
    json_decref(shown);
    json_decref(in_full);
    json_decref(extra);
    sse_user_unref(user);
}

static void test_copy(void **state)
{
    json_t *extra = json_pack("{s:i}", "level", 3);
    struct sse_user *user = sse_user_new(&(struct sse_user_fields){.id = "7",
                                                                   .name = "Ann",
                                                                   .access_token = "tok",
                                                                   .tenant_id = "t1",
                                                                   .channels = "a\nb",
                                                                   .extra = extra,
                                                                   .expires_at = 5});
    struct sse_user *copy = sse_user_copy(user);
    json_t *shown = sse_user_to_json(user);
    json_t *shown_copy = sse_user_to_json(copy);

    (void)state;
    assert_true(json_equal(shown, shown_copy));
    assert_string_equal(copy->access_token, "tok");
    assert_string_equal(copy->channels, "a\nb");
    assert_int_equal(copy->expires_at, 5);
    json_decref(shown);
    json_decref(shown_copy);
    json_decref(extra);
    sse_user_unref(user);
    sse_user_unref(copy);
}

static void expect_told(const struct sse_user *user, bool has_token, const char *expected)
{
    json_t *shown = sse_user_as_told(user, has_token);
    char *text = json_dumps(shown, JSON_COMPACT);

    assert_string_equal(text, expected);
    free(text);
    json_decref(shown);
}

static void test_tokens_are_told_whole_and_other_secrets_not(void **state)
{
    json_t *extra = json_pack("{s:s}", "password", "hidden");
    struct sse_user *user = sse_user_new(
        &(struct sse_user_fields){.id = "7", .access_token = "abcdefghijkl", .extra = extra});

    (void)state;
    expect_told(user, true,
                "{\"id\":\"7\",\"name\":null,\"accessToken\":\"abcdefghijkl\",\"tenantId\":null,"
                "\"password\":\"***\"}");
    expect_told(
        user, false,
        "{\"id\":\"7\",\"name\":null,\"accessToken\":\"abcd\xe2\x80\xa6kl\",\"tenantId\":null,"
        "\"password\":\"***\"}");
    json_decref(extra);
    sse_user_unref(user);
}

/* Texts that look like numbers are none. */
static void test_numbers_stay_numbers(void **state)
{
    struct sse_user_fields fields = {
        .id = "9007199254740993", .tenant_id = "-3", .has_number_id = true};
    struct sse_user *user = sse_user_new(&fields);
    struct sse_user *copy = sse_user_copy(user);

    (void)state;
    expect_told(copy, false,
                "{\"id\":9007199254740993,\"name\":null,\"accessToken\":null,\"tenantId\":\"-3\"}");
    sse_user_unref(user);
    sse_user_unref(copy);
    fields.has_number_id = false;
    fields.has_number_tenant = true;
    user = sse_user_new(&fields);
    copy = sse_user_copy(user);
    expect_told(copy, false,
                "{\"id\":\"9007199254740993\",\"name\":null,\"accessToken\":null,\"tenantId\":-3}");
    sse_user_unref(user);
    sse_user_unref(copy);
}

static void test_references(void **state)
{
    struct sse_user *user = sse_user_new(&(struct sse_user_fields){.id = "7"});

    (void)state;
    assert_ptr_equal(sse_user_ref(user), user);
    assert_null(sse_user_unref(user));
    assert_string_equal(user->id, "7");
    assert_null(sse_user_unref(user));
}

/* What is no text cannot be shown, and breaks nothing. */
static void test_bad_utf8(void **state)
{
    struct sse_user *user = sse_user_new(&(struct sse_user_fields){.id = "7", .name = "\xff"});
    json_t *shown = sse_user_to_json(user);

    (void)state;
    assert_true(json_is_null(json_object_get(shown, "name")));
    json_decref(shown);
    sse_user_unref(user);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copies_everything),
        cmocka_unit_test(test_null_is_empty_and_shown_as_null),
        cmocka_unit_test(test_secrets_are_shown_in_full_only_when_asked_for),
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_tokens_are_told_whole_and_other_secrets_not),
        cmocka_unit_test(test_numbers_stay_numbers),
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_bad_utf8),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
