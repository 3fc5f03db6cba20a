/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/buckets.h"
#include "support/loop_fixture.h"
#include "support/test.h"

static unsigned take_many(struct buckets *buckets, const char *key, uint64_t now_ms)
{
    unsigned taken = 0;

    for (int i = 0; i < 100; i++)
        taken += buckets_take(buckets, key, now_ms);
    return taken;
}

static void each_key_has_its_own(void **state)
{
    const struct ratelimit_rule rule = {.burst = 5, .per_second = 2};
    struct buckets buckets;

    (void)state;
    buckets_init(&buckets, loop, &rule, 10);
    assert_int_equal(take_many(&buckets, "a", 1000), 5);
    assert_int_equal(take_many(&buckets, "b", 1000), 5);
    assert_int_equal(take_many(&buckets, "a", 2000), 2);
    buckets_release(&buckets);
}

static void full_ones_are_forgotten(void **state)
{
    const struct ratelimit_rule rule = {.burst = 4, .per_second = 2};
    struct buckets buckets;

    (void)state;
    buckets_init(&buckets, loop, &rule, 10);
    assert_int_equal(take_many(&buckets, "a", 1999), 4);
    assert_int_equal(take_many(&buckets, "b", 3000), 4);
    assert_int_equal(buckets.lru.count, 2);
    assert_true(buckets_take(&buckets, "b", 5998));
    assert_int_equal(buckets.lru.count, 2);
    assert_true(buckets_take(&buckets, "b", 5999));
    assert_int_equal(buckets.lru.count, 1);
    assert_int_equal(buckets.lru.evicted, 0);
    buckets_release(&buckets);
}

static void there_are_not_too_many(void **state)
{
    const struct ratelimit_rule rule = {.burst = 2, .per_second = 1};
    struct buckets buckets;
    char key[16];

    (void)state;
    buckets_init(&buckets, loop, &rule, 3);
    for (int i = 0; i < 10; i++) {
        snprintf(key, sizeof(key), "key%d", i);
        assert_int_equal(take_many(&buckets, key, 1000), 2);
        assert_false(buckets_take(&buckets, "key0", 1000)); /* in use, so that others go */
    }
    assert_int_equal(buckets.lru.count, 3);
    assert_int_equal(buckets.lru.evicted, 7);
    buckets_release(&buckets);
}

static void asking_takes_nothing(void **state)
{
    const struct ratelimit_rule rule = {.burst = 1, .per_second = 1};
    struct buckets buckets;

    (void)state;
    buckets_init(&buckets, loop, &rule, 3);
    assert_true(buckets_has(&buckets, "a", 1000));
    assert_int_equal(buckets.lru.count, 0);
    assert_true(buckets_take(&buckets, "a", 1000));
    assert_false(buckets_has(&buckets, "a", 1000));
    assert_true(buckets_has(&buckets, "b", 1000));
    assert_true(buckets_has(&buckets, "a", 2000));
    assert_true(buckets_take(&buckets, "a", 2000));
    buckets_release(&buckets);
}

static void no_burst_is_no_limit(void **state)
{
    const struct ratelimit_rule rule = {.burst = 0, .per_second = 0};
    struct buckets buckets;

    (void)state;
    buckets_init(&buckets, loop, &rule, 3);
    assert_int_equal(take_many(&buckets, "a", 1000), 100);
    assert_int_equal(buckets.lru.count, 0);
    buckets_release(&buckets);
}

static void full_ones_end_by_the_clock(void **state)
{
    const struct ratelimit_rule rule = {.burst = 4, .per_second = 2};
    const struct ratelimit_rule never = {.burst = 4};
    struct buckets buckets;

    (void)state;
    buckets_init(&buckets, loop, &rule, 10);
    assert_true(buckets_take(&buckets, "a", loop->now_ms));
    fake_loop_advance(loop, 3000);
    assert_true(buckets_take(&buckets, "b", loop->now_ms));
    fake_loop_advance(loop, 2000);
    assert_int_equal(buckets.lru.count, 1);
    fake_loop_advance(loop, 5000);
    assert_int_equal(buckets.lru.count, 0);
    assert_false(fake_loop_has_timers(loop));
    buckets_release(&buckets);

    buckets_init(&buckets, loop, &never, 10);
    assert_true(buckets_take(&buckets, "a", loop->now_ms));
    assert_false(fake_loop_has_timers(loop));
    buckets_release(&buckets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_key_has_its_own),   cmocka_unit_test(full_ones_are_forgotten),
        cmocka_unit_test(there_are_not_too_many), cmocka_unit_test(asking_takes_nothing),
        cmocka_unit_test(no_burst_is_no_limit),   cmocka_unit_test(full_ones_end_by_the_clock),
    };

    return cmocka_run_group_tests(tests, open_loop, close_loop);
}
