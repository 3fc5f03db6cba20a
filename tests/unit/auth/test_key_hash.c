/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "auth/credential.h"
#include "support/test.h"

/* FIPS 180-2, appendix B.1. */
#define ABC "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void a_hash_as_text(void **state)
{
    struct auth_key_hash hash, parsed;
    char text[AUTH_KEY_HASH_TEXT];

    (void)state;
    assert_int_equal(sizeof(ABC), AUTH_KEY_HASH_TEXT);
    assert_true(auth_key_hash_of("abc", &hash));
    assert_true(auth_key_hash_write("abc", text));
    assert_string_equal(text, ABC);
    assert_true(auth_key_hash_parse(text, &parsed));
    assert_true(auth_key_hash_equal(&hash, &parsed));
    assert_true(auth_key_hash_of("abd", &hash));
    assert_false(auth_key_hash_equal(&hash, &parsed));
}

static void ill_formed_texts(void **state)
{
    static const char *const wrong[] = {"", "sha256:", "sha256:00", ABC "0", "sha512:00"};
    char text[] = ABC;
    struct auth_key_hash hash;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(auth_key_hash_parse(wrong[i], &hash));
    assert_false(auth_key_hash_parse(strchr(ABC, ':') + 1, &hash));
    text[sizeof(text) - 2] = 'g';
    assert_false(auth_key_hash_parse(text, &hash));
    text[sizeof(text) - 2] = 'D';
    assert_true(auth_key_hash_parse(text, &hash));
    assert_true(auth_key_hash_is_text("sha256:x"));
    assert_false(auth_key_hash_is_text("sha256"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hash_as_text),
        cmocka_unit_test(ill_formed_texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
