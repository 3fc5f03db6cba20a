/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ratelimit.h"
#include "support/test.h"

static unsigned take_many(struct ratelimit *limit, const struct ratelimit_rule *rule,
                          uint64_t now_ms)
{
    unsigned taken = 0;

    for (int i = 0; i < 1000; i++)
        taken += ratelimit_take(limit, rule, now_ms);
    return taken;
}

static void a_burst_at_first_then_the_rate(void **state)
{
    const struct ratelimit_rule rule = {.burst = 20, .per_second = 5};
    struct ratelimit limit;

    (void)state;
    ratelimit_init(&limit, &rule, 5000);
    assert_int_equal(take_many(&limit, &rule, 5000), 20);
    assert_int_equal(take_many(&limit, &rule, 5999), 0);
    assert_int_equal(take_many(&limit, &rule, 6000), 5);
    assert_int_equal(take_many(&limit, &rule, 8500), 10);
}

static void rest_refills_to_the_burst_and_no_further(void **state)
{
    const struct ratelimit_rule rule = {.burst = 20, .per_second = 5};
    struct ratelimit limit;

    (void)state;
    ratelimit_init(&limit, &rule, 0);
    assert_int_equal(take_many(&limit, &rule, 0), 20);
    assert_int_equal(take_many(&limit, &rule, UINT64_C(4000000000000)), 20);
}

static void the_largest_rule_does_not_overflow(void **state)
{
    const struct ratelimit_rule rule = {.burst = UINT32_MAX, .per_second = UINT32_MAX};
    struct ratelimit limit;

    (void)state;
    ratelimit_init(&limit, &rule, 0);
    assert_true(ratelimit_take(&limit, &rule, UINT64_C(4000000000000)));
    assert_int_equal(limit.tokens, UINT32_MAX - 1);
}

static void without_a_rate_it_never_refills(void **state)
{
    const struct ratelimit_rule rule = {.burst = 2, .per_second = 0};
    struct ratelimit limit;

    (void)state;
    ratelimit_init(&limit, &rule, 0);
    assert_int_equal(take_many(&limit, &rule, 0), 2);
    assert_int_equal(take_many(&limit, &rule, 1000000), 0);
}

static void time_that_runs_back_gives_nothing(void **state)
{
    const struct ratelimit_rule rule = {.burst = 2, .per_second = 2};
    struct ratelimit limit;

    (void)state;
    ratelimit_init(&limit, &rule, 10000);
    assert_int_equal(take_many(&limit, &rule, 10000), 2);
    assert_int_equal(take_many(&limit, &rule, 3000), 0);
    assert_int_equal(take_many(&limit, &rule, 11000), 2);
}

static void it_is_eight_bytes(void **state)
{
    (void)state;
    assert_int_equal(sizeof(struct ratelimit), 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_at_first_then_the_rate),
        cmocka_unit_test(rest_refills_to_the_burst_and_no_further),
        cmocka_unit_test(the_largest_rule_does_not_overflow),
        cmocka_unit_test(without_a_rate_it_never_refills),
        cmocka_unit_test(time_that_runs_back_gives_nothing),
        cmocka_unit_test(it_is_eight_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
