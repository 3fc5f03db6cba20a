/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>

#include "broker/limits.h"
#include "support/test.h"

static unsigned take_many(struct pace *pace, const struct ratelimit_rule *rule, uint64_t now_ms)
{
    unsigned taken = 0;

    for (int i = 0; i < 1000; i++)
        taken += pace_take(pace, rule, 1, now_ms);
    return taken;
}

static void a_burst_then_the_rate(void **state)
{
    const struct ratelimit_rule rule = {.burst = 20, .per_second = 10};
    struct pace pace = {0};

    (void)state;
    assert_int_equal(take_many(&pace, &rule, 5000), 20);
    assert_int_equal(take_many(&pace, &rule, 5099), 0);
    assert_int_equal(take_many(&pace, &rule, 5100), 1);
    assert_int_equal(take_many(&pace, &rule, 6100), 10);
    assert_int_equal(take_many(&pace, &rule, 600000), 20);
    assert_int_equal(take_many(&pace, &rule, 599000), 0); /* a loop whose clock is behind */
}

static void a_batch_may_owe(void **state)
{
    const struct ratelimit_rule rule = {.burst = 10, .per_second = 10};
    struct pace pace = {0};

    (void)state;
    assert_true(pace_take(&pace, &rule, 30, 1000));
    assert_false(pace_take(&pace, &rule, 1, 2999));
    assert_false(pace_take(&pace, &rule, 1, 3050));
    assert_true(pace_take(&pace, &rule, 1, 3100));
}

static void no_burst_is_no_limit(void **state)
{
    const struct ratelimit_rule rule = {.burst = 0, .per_second = 0};
    struct pace pace = {0};

    (void)state;
    assert_int_equal(take_many(&pace, &rule, 0), 1000);
}

static const struct ratelimit_rule shared_rule = {.burst = 1500, .per_second = 1};

static void *take_in_thread(void *pace)
{
    return (void *)(uintptr_t)take_many(pace, &shared_rule, 1000);
}

static void threads_share_it_exactly(void **state)
{
    struct pace pace = {0};
    pthread_t threads[4];
    uintptr_t sum = 0;

    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_in_thread, &pace), 0);
    for (size_t i = 0; i < 4; i++) {
        void *taken = NULL;

        assert_int_equal(pthread_join(threads[i], &taken), 0);
        sum += (uintptr_t)taken;
    }
    assert_int_equal(sum, 1500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_then_the_rate),
        cmocka_unit_test(a_batch_may_owe),
        cmocka_unit_test(no_burst_is_no_limit),
        cmocka_unit_test(threads_share_it_exactly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
