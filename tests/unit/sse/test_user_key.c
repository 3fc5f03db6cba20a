/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "sse/user.h"
#include "support/test.h"

static void test_made_and_taken_apart(void **state)
{
    static const char *const tenants[] = {"red", "", "a b", "caf\xc3\xa9"};

    (void)state;
    for (size_t i = 0; i < sizeof(tenants) / sizeof(tenants[0]); i++) {
        char *key = sse_user_key_new(tenants[i], "42");
        char *tenant = sse_user_key_tenant(key);

        assert_true(sse_user_key_has_tenant(key));
        assert_string_equal(sse_user_key_id(key), "42");
        assert_string_equal(tenant, tenants[i]);
        assert_true(sse_user_key_is(key, tenants[i], "42"));
        free(tenant);
        free(key);
    }
    assert_false(sse_user_key_has_tenant("42"));
    assert_null(sse_user_key_tenant("42"));
    assert_string_equal(sse_user_key_id("42"), "42");
    assert_string_equal(sse_user_key_id(""), "");
}

static void test_no_two_are_the_same(void **state)
{
    char *key = sse_user_key_new("red", "42");

    (void)state;
    assert_false(sse_user_key_is(key, "red", "4"));
    assert_false(sse_user_key_is(key, "red", "423"));
    assert_false(sse_user_key_is(key, "re", "d42"));
    assert_false(sse_user_key_is(key, "redder", "42"));
    assert_false(sse_user_key_is(key, "", "42"));
    assert_false(sse_user_key_is("red42", "red", "42"));
    assert_false(sse_user_key_is("42", "", "42"));
    assert_false(sse_user_key_is("", "", ""));
    free(key);
}

static bool may_have(const char *text)
{
    return sse_text_is_plain(text, strlen(text));
}

static void test_what_an_id_may_have(void **state)
{
    (void)state;
    assert_true(may_have("caf\xc3\xa9 ~"));
    assert_true(may_have(""));
    for (char c = 1; c < ' '; c++)
        assert_false(may_have((const char[]){'a', c, '\0'}));
    assert_false(may_have("a\x7f"));
}

static void test_a_user_has_its_key(void **state)
{
    struct sse_user *in_service =
        sse_user_new(&(struct sse_user_fields){.id = "42", .tenant_id = "red"});
    struct sse_user *in_tenant = sse_user_new(
        &(struct sse_user_fields){.id = "42", .tenant_id = "red", .is_of_tenant = true});
    struct sse_user *of_none =
        sse_user_new(&(struct sse_user_fields){.id = "42", .is_of_tenant = true});
    char *red = sse_user_key_new("red", "42");
    char *blue = sse_user_key_new("blue", "42");
    char *none = sse_user_key_new("", "42");

    (void)state;
    assert_ptr_equal(in_service->key, in_service->id);
    assert_string_equal(in_tenant->key, red);
    assert_string_equal(in_tenant->id, "42");
    assert_string_equal(of_none->key, none);
    assert_true(sse_user_is(in_service, "42"));
    assert_true(sse_user_is(in_service, red));
    assert_false(sse_user_is(in_service, blue));
    assert_false(sse_user_is(in_service, none));
    assert_true(sse_user_is(in_tenant, red));
    assert_false(sse_user_is(in_tenant, "42"));
    assert_false(sse_user_is(in_tenant, blue));
    assert_true(sse_user_is(of_none, none));
    assert_false(sse_user_is(of_none, "42"));
    free(red);
    free(blue);
    free(none);
    sse_user_unref(in_service);
    sse_user_unref(in_tenant);
    sse_user_unref(of_none);
}

static void test_a_copy_has_the_same_key(void **state)
{
    (void)state;
    for (unsigned is_of_tenant = 0; is_of_tenant < 2; is_of_tenant++) {
        struct sse_user *user = sse_user_new(&(struct sse_user_fields){
            .id = "42", .tenant_id = "red", .is_of_tenant = is_of_tenant});
        struct sse_user *copy = sse_user_copy(user);

        assert_string_equal(copy->key, user->key);
        assert_string_equal(copy->id, "42");
        assert_string_equal(copy->tenant_id, "red");
        sse_user_unref(user);
        sse_user_unref(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_made_and_taken_apart),    cmocka_unit_test(test_no_two_are_the_same),
        cmocka_unit_test(test_what_an_id_may_have),     cmocka_unit_test(test_a_user_has_its_key),
        cmocka_unit_test(test_a_copy_has_the_same_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
