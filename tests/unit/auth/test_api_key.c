/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/api_key.h"
#include "support/test.h"

static const char *const keys[] = {"first-key", "", "second-key"};

static void test_each_key_opens(void **state)
{
    struct auth_api_keys *set = auth_api_keys_new(keys, 3);

    (void)state;
    assert_int_equal(auth_api_keys_check(set, "Bearer first-key"), AUTH_OK);
    assert_int_equal(auth_api_keys_check(set, "bearer second-key"), AUTH_OK);
    assert_int_equal(auth_api_keys_check(set, "Bearer   first-key"), AUTH_OK);
    auth_api_keys_free(set);
}

static void test_anything_else_is_refused(void **state)
{
    static const char *const wrong[] = {"",
                                        "Bearer",
                                        "Bearer ",
                                        "first-key",
                                        "Basic first-key",
                                        "Bearer first-ke",
                                        "Bearer first-key2",
                                        "Bearer first-key "};
    struct auth_api_keys *set = auth_api_keys_new(keys, 3);

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(auth_api_keys_check(set, wrong[i]), AUTH_BAD);
    assert_int_equal(auth_api_keys_check(set, NULL), AUTH_NONE);
    auth_api_keys_free(set);
}

static void test_no_keys_let_nobody_in(void **state)
{
    struct auth_api_keys *set = auth_api_keys_new(NULL, 0);

    (void)state;
    assert_int_equal(auth_api_keys_check(set, "Bearer "), AUTH_BAD);
    assert_int_equal(auth_api_keys_check(set, "Bearer x"), AUTH_BAD);
    auth_api_keys_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_key_opens),
        cmocka_unit_test(test_anything_else_is_refused),
        cmocka_unit_test(test_no_keys_let_nobody_in),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
