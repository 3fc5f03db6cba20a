/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include "base/slices.h"
#include "support/fake_loop.h"
#include "support/test.h"

#define KEPT_MS 60000u

/* Numbers of things that came at a time, the oldest first; how long each takes to end. */
struct shelf {
    struct age_timer age;
    uint64_t at[8];
    size_t first, count;
    uint64_t many; /* that are all due when the first is, and of which nothing is known */
    bool is_slow;
    unsigned calls; /* of end_first, at one fire */
};

static void take_a_while(void)
{
    const struct timespec while_ns = {.tv_nsec = 100000};

    (void)nanosleep(&while_ns, NULL);
}

static uint64_t end_first(struct age_timer *age, uint64_t now_ms)
{
    struct shelf *shelf = container_of(age, struct shelf, age);

    shelf->calls++;
    if (shelf->many > 0) {
        shelf->many--;
        if (shelf->is_slow)
            take_a_while();
        return 0;
    }
    if (shelf->first == shelf->count)
        return AGE_TIMER_NEVER;
    if (shelf->at[shelf->first] + KEPT_MS > now_ms)
        return shelf->at[shelf->first] + KEPT_MS;
    shelf->first++;
    return 0;
}

static void put(struct shelf *shelf)
{
    const uint64_t now = loop_now_ms(shelf->age.loop);

    shelf->at[shelf->count++] = now;
    age_timer_add(&shelf->age, now + KEPT_MS);
}

static void it_runs_while_something_is_kept(void **state)
{
    struct loop *loop = loop_new();
    struct shelf shelf = {.first = 0};

    (void)state;
    age_timer_init(&shelf.age, loop, end_first);
    assert_false(fake_loop_has_timers(loop));
    put(&shelf);
    fake_loop_advance(loop, 30000);
    put(&shelf);
    fake_loop_advance(loop, 29999);
    assert_int_equal(shelf.calls, 0);
    fake_loop_advance(loop, 1);
    assert_int_equal(shelf.first, 1);
    fake_loop_advance(loop, 30000);
    assert_int_equal(shelf.first, 2);
    assert_false(fake_loop_has_timers(loop));
    put(&shelf);
    assert_true(fake_loop_has_timers(loop));
    age_timer_release(&shelf.age);
    assert_false(fake_loop_has_timers(loop));
    loop_free(loop);
}

/* One wake-up for those that end soon after each other. */
static void what_ends_soon_is_gathered(void **state)
{
    struct loop *loop = loop_new();
    struct shelf shelf = {.first = 0};

    (void)state;
    age_timer_init(&shelf.age, loop, end_first);
    for (int i = 0; i < 8; i++) {
        put(&shelf);
        fake_loop_advance(loop, 100);
    }
    fake_loop_advance(loop, KEPT_MS - 800);
    assert_int_equal(shelf.first, 1);
    assert_int_equal(shelf.calls, 2);
    fake_loop_advance(loop, 1000);
    assert_int_equal(shelf.first, 8);
    assert_int_equal(shelf.calls, 2 + 8);
    age_timer_release(&shelf.age);
    loop_free(loop);
}

static void one_that_ends_sooner_is_not_late(void **state)
{
    struct loop *loop = loop_new();
    struct shelf shelf = {.first = 0};

    (void)state;
    age_timer_init(&shelf.age, loop, end_first);
    age_timer_add(&shelf.age, loop_now_ms(loop) + 50000);
    age_timer_add(&shelf.age, loop_now_ms(loop) + 60000);
    assert_int_equal(fake_loop_next_timer(loop)->expires, loop_now_ms(loop) + 50000);
    age_timer_add(&shelf.age, loop_now_ms(loop) + 10000);
    assert_int_equal(fake_loop_next_timer(loop)->expires, loop_now_ms(loop) + 10000);
    age_timer_add(&shelf.age, AGE_TIMER_NEVER);
    age_timer_release(&shelf.age);
    age_timer_add(&shelf.age, AGE_TIMER_NEVER);
    assert_false(fake_loop_has_timers(loop));
    loop_free(loop);
}

/* A slice ends, however many are due. */
static void many_end_in_slices(void **state)
{
    struct loop *loop = loop_new();
    struct shelf shelf = {.many = 200, .is_slow = true};

    (void)state;
    age_timer_init(&shelf.age, loop, end_first);
    age_timer_add(&shelf.age, loop_now_ms(loop) + 1000);
    fake_loop_advance(loop, 1000);
    assert_in_range(shelf.calls, 1, 10); /* of which each takes a tenth of a millisecond */
    for (unsigned before = shelf.calls; shelf.many > 0; before = shelf.calls) {
        fake_loop_advance(loop, LOOP_TIMER_TICK_MS);
        assert_in_range(shelf.calls - before, 1, 11);
    }
    fake_loop_advance(loop, LOOP_TIMER_TICK_MS); /* the slice may have ended with the last one */
    assert_false(fake_loop_has_timers(loop));
    loop_free(loop);
}

static void who_uses_it_finds_nothing_old(void **state)
{
    struct loop *loop = loop_new();
    struct shelf shelf = {.many = 1000};

    (void)state;
    age_timer_init(&shelf.age, loop, end_first);
    age_timer_end_due(&shelf.age, loop_now_ms(loop));
    assert_int_equal(shelf.many, 0);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_runs_while_something_is_kept),
        cmocka_unit_test(what_ends_soon_is_gathered),
        cmocka_unit_test(one_that_ends_sooner_is_not_late),
        cmocka_unit_test(many_end_in_slices),
        cmocka_unit_test(who_uses_it_finds_nothing_old),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
