/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>

#include "base/budget.h"
#include "support/test.h"

#define KIB ((size_t)1024)

static void test_shares_have_one_end_in_common(void **state)
{
    struct budget budget;
    struct budget_share one, other;

    (void)state;
    budget_init(&budget, 1000 * KIB);
    budget_share_init(&one, &budget);
    budget_share_init(&other, &budget);
    assert_true(budget_share_take(&one, 600 * KIB));
    assert_true(budget_share_take(&other, 300 * KIB));
    assert_false(budget_share_take(&other, 200 * KIB));
    assert_int_equal(other.held, 300 * KIB);
    budget_share_give(&one, 600 * KIB);
    assert_true(budget_share_take(&other, 600 * KIB));
    assert_false(budget_share_take(&one, 200 * KIB));
    assert_false(budget_share_take(&one, 2000 * KIB));
    assert_false(budget_share_take(&one, SIZE_MAX));
}

/* To the last byte, and not one more, in steps of any size. */
static void test_all_of_it_can_be_taken(void **state)
{
    static const size_t steps[] = {1, 63, 1024, 65536, 1000000};

    (void)state;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        const size_t most = 4000000;
        struct budget budget;
        struct budget_share share;
        size_t taken = 0;

        budget_init(&budget, most);
        budget_share_init(&share, &budget);
        for (; budget_share_take(&share, steps[i]); taken += steps[i]) {
        }
        assert_true(taken <= most && most - taken < steps[i]);
        budget_share_give(&share, taken);
        assert_int_equal(share.held, 0);
        assert_true(atomic_load(&budget.granted) <= most / 64);
    }
}

static void test_what_must_be_held_is_counted(void **state)
{
    struct budget budget;
    struct budget_share share;

    (void)state;
    budget_init(&budget, 100 * KIB);
    budget_share_init(&share, &budget);
    budget_share_force(&share, 150 * KIB);
    assert_false(budget_share_take(&share, 1));
    budget_share_give(&share, 51 * KIB);
    assert_true(budget_share_take(&share, 1));
}

static void *take_and_give(void *context)
{
    struct budget *budget = context;
    struct budget_share share;

    budget_share_init(&share, budget);
    for (int i = 0; i < 20000; i++) {
        if (!budget_share_take(&share, 3000))
            continue;
        assert_true(share.granted <= budget->most);
        budget_share_give(&share, 3000);
    }
    budget_share_give(&share, share.held);
    return NULL;
}

static void test_threads_lose_nothing(void **state)
{
    struct budget budget;
    pthread_t threads[4];

    (void)state;
    budget_init(&budget, 10000);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, &budget), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_true(atomic_load(&budget.granted) <= (size_t)312);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shares_have_one_end_in_common),
        cmocka_unit_test(test_all_of_it_can_be_taken),
        cmocka_unit_test(test_what_must_be_held_is_counted),
        cmocka_unit_test(test_threads_lose_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
