/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/hash.h"
#include "support/test.h"

/* The published key, and the first results for it by the authors' reference implementation. */
static void test_it_is_siphash_1_3(void **state)
{
    const struct hash_key key = {{0x0706050403020100u, 0x0f0e0d0c0b0a0908u}};
    const uint64_t empty = hash_text(&key, "");

    (void)state;
    assert_true(empty == 0xabac0158050fc4dcu);
}

static void test_each_key_has_its_own_results(void **state)
{
    const struct hash_key one = hash_key_new(), other = hash_key_new();
    char text[40];
    size_t alike = 0;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(text, sizeof(text), "%.*s%d", i % 20, "aaaaaaaaaaaaaaaaaaaa", i);
        assert_true(hash_text(&one, text) == hash_text(&one, text));
        alike += hash_text(&one, text) % 4 == hash_text(&other, text) % 4;
    }
    assert_in_range(alike, 150, 350);
}

/* Zeros and lengths count. */
static void test_bytes(void **state)
{
    const struct hash_key key = hash_key_new();
    const char zeros[32] = {0};

    (void)state;
    assert_true(hash_bytes(&key, "text", 4) == hash_text(&key, "text"));
    for (size_t length = 0; length < sizeof(zeros); length++)
        assert_true(hash_bytes(&key, zeros, length) != hash_bytes(&key, zeros, length + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_siphash_1_3),
        cmocka_unit_test(test_each_key_has_its_own_results),
        cmocka_unit_test(test_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
