/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/credential.h"
#include "support/test.h"

static struct auth_api_key key(const char *name, const char *text)
{
    struct auth_api_key key = {
        .name = name, .permissions = AUTH_MAY_QUERY, .services = AUTH_ALL_SERVICES};

    assert_true(auth_key_hash_of(text, &key.hash));
    return key;
}

static void each_key_is_found(void **state)
{
    const struct auth_api_key keys[] = {key("one", "first-key"), key("two", "second-key")};
    struct auth_api_keys *set = auth_api_keys_new(keys, 2);

    (void)state;
    assert_int_equal(set->count, 2);
    assert_int_equal(auth_api_keys_find(set, "first-key"), 0);
    assert_int_equal(auth_api_keys_find(set, "second-key"), 1);
    assert_string_equal(set->keys[1].name, "two");
    assert_int_equal(set->keys[1].permissions, AUTH_MAY_QUERY);
    auth_api_keys_free(set);
}

static void nothing_else_is_a_key(void **state)
{
    const struct auth_api_key keys[] = {key("one", "first-key")};
    static const char *const wrong[] = {"", "first-ke", "first-key2", "FIRST-KEY", "one"};
    struct auth_api_keys *set = auth_api_keys_new(keys, 1);
    char hash[AUTH_KEY_HASH_TEXT];

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(auth_api_keys_find(set, wrong[i]), -ENOENT);
    assert_true(auth_key_hash_write("first-key", hash));
    assert_int_equal(auth_api_keys_find(set, hash), -ENOENT);
    auth_api_keys_free(set);
}

static void no_keys_let_nobody_in(void **state)
{
    struct auth_api_keys *set = auth_api_keys_new(NULL, 0);

    (void)state;
    assert_int_equal(auth_api_keys_find(set, ""), -ENOENT);
    assert_int_equal(auth_api_keys_find(set, "x"), -ENOENT);
    auth_api_keys_free(set);
}

static void bearer_tokens(void **state)
{
    static const char *const wrong[] = {
        "",           "Bearer",     "Bearer ",   "Bearer   ",   "token",
        "Basic dTpw", "Bearer a b", "Bearer a ", "Bearertoken", "Bearer\ta"};
    static const char *const right[] = {"Bearer token", "bearer token", "BEARER   token"};

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_null(auth_bearer_token(wrong[i]));
    for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++)
        assert_string_equal(auth_bearer_token(right[i]), "token");
}

static void every_permission_has_a_word(void **state)
{
    unsigned all = 0;

    (void)state;
    for (size_t i = 0; auth_permission_words[i]; i++) {
        const struct word word = {auth_permission_words[i], strlen(auth_permission_words[i])};
        unsigned permission = auth_permission_of(&word);

        assert_string_equal(auth_permission_word(permission), auth_permission_words[i]);
        all |= permission;
    }
    assert_int_equal(all, AUTH_MAY_ALL | AUTH_MAY_INSPECT);
    assert_int_equal(auth_permission_of(&(struct word){"sending", 7}), 0);
    assert_int_equal(auth_permission_of(&(struct word){"send", 3}), 0);
    assert_string_equal(auth_permission_word(AUTH_MAY_DISCONNECT), "disconnect");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_key_is_found),           cmocka_unit_test(nothing_else_is_a_key),
        cmocka_unit_test(no_keys_let_nobody_in),       cmocka_unit_test(bearer_tokens),
        cmocka_unit_test(every_permission_has_a_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
