/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "base/random.h"
#include "support/test.h"

enum { DRAWS = 2000 };

static void no_two_draws_are_equal(void **state)
{
    static unsigned char seen[DRAWS][16];

    (void)state;
    for (size_t i = 0; i < DRAWS; i++) {
        random_bytes(seen[i], sizeof(seen[i]));
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(seen[i], seen[k], sizeof(seen[i]));
    }
}

static bool is_filled(const unsigned char *bytes, size_t length)
{
    /* Sixteen zero bytes in a row do not happen by chance. */
    static const unsigned char zeros[16];

    for (size_t at = 0; at + sizeof(zeros) <= length; at++)
        if (memcmp(bytes + at, zeros, sizeof(zeros)) == 0)
            return false;
    return true;
}

static void every_length_is_filled_to_its_end_only(void **state)
{
    static const size_t lengths[] = {0, 1, 16, 17, 255, 256, 257, 5000};
    unsigned char bytes[5001];

    (void)state;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        memset(bytes, 0, sizeof(bytes));
        bytes[lengths[i]] = 0xAB;
        random_bytes(bytes, lengths[i]);
        assert_int_equal(bytes[lengths[i]], 0xAB);
        assert_true(is_filled(bytes, lengths[i]));
    }
}

static void hex_is_hex(void **state)
{
    char text[64];

    (void)state;
    for (size_t length = 0; length <= 31; length++) {
        memset(text, 'x', sizeof(text));
        random_hex(text, length);
        assert_int_equal(strlen(text), 2 * length);
        assert_int_equal(strspn(text, "0123456789abcdef"), 2 * length);
    }
}

static void hex_uses_every_digit_in_every_place(void **state)
{
    bool seen[4][16] = {{false}};
    char text[5];

    (void)state;
    for (int i = 0; i < DRAWS; i++) {
        random_hex(text, 2);
        for (size_t place = 0; place < 4; place++)
            seen[place][strchr("0123456789abcdef", text[place]) - "0123456789abcdef"] = true;
    }
    for (size_t place = 0; place < 4; place++)
        for (size_t digit = 0; digit < 16; digit++)
            assert_true(seen[place][digit]);
}

static void between_reaches_both_ends_and_no_further(void **state)
{
    bool seen[7] = {false};

    (void)state;
    for (int i = 0; i < DRAWS; i++) {
        uint64_t value = random_between(10, 16);

        assert_in_range(value, 10, 16);
        seen[value - 10] = true;
    }
    for (size_t i = 0; i < 7; i++)
        assert_true(seen[i]);
}

static void between_takes_any_range(void **state)
{
    (void)state;
    assert_int_equal(random_between(7, 7), 7);
    assert_int_equal(random_between(UINT64_MAX, UINT64_MAX), UINT64_MAX);
    assert_true(random_between(1, UINT64_MAX) >= 1);
    assert_true(random_between(UINT64_MAX / 2, UINT64_MAX) >= UINT64_MAX / 2);
    assert_int_not_equal(random_between(0, UINT64_MAX), random_between(0, UINT64_MAX));
}

static void *draw(void *to)
{
    random_bytes(to, 16);
    return NULL;
}

static void threads_do_not_share_a_buffer(void **state)
{
    unsigned char mine[16], theirs[16];
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, draw, theirs), 0);
    random_bytes(mine, sizeof(mine));
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_memory_not_equal(mine, theirs, sizeof(mine));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_two_draws_are_equal),
        cmocka_unit_test(every_length_is_filled_to_its_end_only),
        cmocka_unit_test(hex_is_hex),
        cmocka_unit_test(hex_uses_every_digit_in_every_place),
        cmocka_unit_test(between_reaches_both_ends_and_no_further),
        cmocka_unit_test(between_takes_any_range),
        cmocka_unit_test(threads_do_not_share_a_buffer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
