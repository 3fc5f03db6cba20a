/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/loop.h"
#include "base/slice.h"
#include "base/wheel.h"
#include "support/test.h"

enum { TIMERS = 2000, MAX_FIRED = 4 * TIMERS };

struct alarm {
    struct loop_timer timer;
    int name;
};

/* What happened, and the wheel it happened on; set anew for each test. */
static struct wheel wheel;
static int fired[MAX_FIRED];
static uint64_t fired_at[MAX_FIRED];
static size_t fired_count;
static struct alarm *victim;

static int set_up(void **state)
{
    (void)state;
    wheel_init(&wheel);
    fired_count = 0;
    victim = NULL;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    wheel_release(&wheel);
    return 0;
}

static void note(struct loop_timer *timer)
{
    struct alarm *alarm = container_of(timer, struct alarm, timer);

    assert_true(fired_count < MAX_FIRED);
    assert_false(loop_timer_is_active(timer));
    fired_at[fired_count] = wheel.served;
    fired[fired_count++] = alarm->name;
}

static void hang(struct alarm *alarm, int name, uint64_t tick)
{
    alarm->name = name;
    alarm->timer.on_fire = note;
    wheel_add(&wheel, &alarm->timer, tick);
}

static void advance(uint64_t tick)
{
    struct slice slice = slice_without_end();

    assert_true(wheel_advance(&wheel, tick, &slice));
}

/* So many timers at the most. */
static bool advance_some(uint64_t tick, uint32_t most)
{
    struct slice slice = slice_new(UINT64_C(1000000000000), most, 1);

    return wheel_advance(&wheel, tick, &slice);
}

static void fires_at_its_tick_not_before(void **state)
{
    struct alarm alarm = {0};

    (void)state;
    hang(&alarm, 1, 3);
    advance(2);
    assert_int_equal(fired_count, 0);
    advance(3);
    assert_int_equal(fired_count, 1);
    advance(3 + 2 * WHEEL_SLOTS);
    assert_int_equal(fired_count, 1);
}

static void rounds_of_the_wheel_are_told_apart(void **state)
{
    struct alarm alarms[4] = {{.name = 0}};

    (void)state;
    for (int i = 0; i < 4; i++)
        hang(&alarms[i], i, 5 + (uint64_t)(3 - i) * WHEEL_SLOTS);
    for (uint64_t tick = 1; tick <= 5 + 3 * WHEEL_SLOTS; tick++)
        advance(tick);
    assert_int_equal(fired_count, 4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(fired[i], 3 - i);
        assert_int_equal(fired_at[i], 5 + (unsigned)i * WHEEL_SLOTS);
    }
}

static void catches_up_in_order_after_a_stall(void **state)
{
    struct alarm *alarms = calloc(TIMERS, sizeof(*alarms));

    (void)state;
    assert_non_null(alarms);
    for (int i = 0; i < TIMERS; i++)
        hang(&alarms[i], i, (uint64_t)(i * 7919 % TIMERS) + 1);
    advance(100000);
    assert_int_equal(fired_count, TIMERS);
    for (size_t i = 0; i < TIMERS; i++)
        assert_int_equal(alarms[fired[i]].timer.expires, i + 1);
    free(alarms);
}

static void those_of_one_tick_fire_in_slices(void **state)
{
    struct alarm alarms[10] = {{.name = 0}}, late = {0};

    (void)state;
    for (int i = 0; i < 10; i++)
        hang(&alarms[i], i, 5);
    assert_false(advance_some(5, 4));
    assert_int_equal(fired_count, 4);
    hang(&late, 10, 5); /* that is past: behind all that are due */
    hang(&alarms[9], 9, 7);
    list_remove(&alarms[8].timer.node);
    assert_false(advance_some(6, 4));
    assert_int_equal(fired_count, 8);
    assert_true(advance_some(6, 4));
    assert_int_equal(fired_count, 9);
    assert_true(advance_some(7, 4));
    assert_int_equal(fired_count, 10);
    for (int i = 0; i < 8; i++)
        assert_int_equal(fired[i], i);
    assert_int_equal(fired[8], 10);
    assert_int_equal(fired[9], 9);
}

static void releasing_takes_off_who_is_due(void **state)
{
    struct alarm alarms[2] = {{.name = 0}};

    (void)state;
    hang(&alarms[0], 0, 1);
    hang(&alarms[1], 1, 1);
    assert_false(advance_some(1, 1));
    assert_true(loop_timer_is_active(&alarms[1].timer));
    wheel_release(&wheel);
    assert_false(loop_timer_is_active(&alarms[1].timer));
}

static void what_is_past_fires_at_the_next_tick(void **state)
{
    struct alarm alarm = {0};

    (void)state;
    advance(1000);
    hang(&alarm, 1, 7);
    advance(1000);
    assert_int_equal(fired_count, 0);
    advance(1001);
    assert_int_equal(fired_count, 1);
}

static void starting_again_moves_it(void **state)
{
    struct alarm alarm = {0};

    (void)state;
    hang(&alarm, 1, 5);
    hang(&alarm, 1, 9);
    advance(8);
    assert_int_equal(fired_count, 0);
    advance(9);
    assert_int_equal(fired_count, 1);
}

static void the_end_of_time_never_comes(void **state)
{
    struct alarm alarm = {0};

    (void)state;
    hang(&alarm, 1, UINT64_MAX);
    advance(10000);
    assert_int_equal(fired_count, 0);
    assert_true(loop_timer_is_active(&alarm.timer));
    loop_timer_stop(&alarm.timer);
}

static void a_long_time_without_timers_is_no_work(void **state)
{
    struct alarm alarm = {0};

    (void)state;
    assert_true(wheel_next(&wheel) == WHEEL_NEVER);
    advance(UINT64_C(1) << 60);
    hang(&alarm, 1, 0);
    assert_true(wheel_next(&wheel) == (UINT64_C(1) << 60) + 1);
    advance((UINT64_C(1) << 60) + 1);
    assert_int_equal(fired_count, 1);
    assert_true(wheel_next(&wheel) == WHEEL_NEVER);
}

static void note_and_restart(struct loop_timer *timer)
{
    note(timer);
    wheel_add(&wheel, timer, 0);
}

static void restarting_itself_fires_once_a_tick(void **state)
{
    struct alarm alarm = {0};

    (void)state;
    alarm.timer.on_fire = note_and_restart;
    wheel_add(&wheel, &alarm.timer, 1);
    advance(1);
    assert_int_equal(fired_count, 1);
    advance(11);
    assert_int_equal(fired_count, 11);
    loop_timer_stop(&alarm.timer);
}

static void note_and_free_both(struct loop_timer *timer)
{
    note(timer);
    loop_timer_stop(&victim->timer);
    free(victim);
    free(container_of(timer, struct alarm, timer));
}

static void a_callback_may_free_itself_and_its_neighbour(void **state)
{
    struct alarm *first = calloc(1, sizeof(*first));
    struct alarm last = {0};

    (void)state;
    victim = calloc(1, sizeof(*victim));
    hang(first, 1, 4);
    first->timer.on_fire = note_and_free_both;
    hang(victim, 2, 4);
    hang(&last, 3, 4);
    advance(4);
    assert_int_equal(fired_count, 2);
    assert_int_equal(fired[0], 1);
    assert_int_equal(fired[1], 3);
}

static void note_and_postpone(struct loop_timer *timer)
{
    note(timer);
    wheel_add(&wheel, &victim->timer, wheel.served + WHEEL_SLOTS);
}

static void a_callback_may_postpone_its_neighbour(void **state)
{
    struct alarm first = {0}, second = {0};

    (void)state;
    victim = &second;
    hang(&first, 1, 4);
    first.timer.on_fire = note_and_postpone;
    hang(&second, 2, 4);
    advance(4 + WHEEL_SLOTS - 1);
    assert_int_equal(fired_count, 1);
    advance(4 + WHEEL_SLOTS);
    assert_int_equal(fired_count, 2);
}

static void release_takes_all_off(void **state)
{
    struct alarm alarms[3] = {{.name = 0}};

    (void)state;
    for (int i = 0; i < 3; i++)
        hang(&alarms[i], i, (uint64_t)i * 300);
    wheel_release(&wheel);
    for (int i = 0; i < 3; i++)
        assert_false(loop_timer_is_active(&alarms[i].timer));
}

/* A plain model (an array of expiry times) must see the same as the wheel. */
static void agrees_with_a_model(void **state)
{
    static struct alarm alarms[200];
    uint64_t expected[200] = {0};
    uint32_t random = 1;

    (void)state;
    for (uint64_t now = 0; now < 5000; now++) {
        random = random * 1664525u + 1013904223u;
        uint32_t which = random >> 8 & 0xFF;

        if (which < 150) {
            expected[which] = now + 1 + (random >> 16) % 1500;
            hang(&alarms[which], (int)which, expected[which]);
        } else if (which < 200) {
            expected[which - 150] = 0;
            loop_timer_stop(&alarms[which - 150].timer);
        }
        fired_count = 0;
        advance(now + 1);
        for (size_t i = 0; i < fired_count; i++) {
            assert_int_equal(expected[fired[i]], now + 1);
            expected[fired[i]] = 0;
        }
        uint64_t next = WHEEL_NEVER;
        for (size_t i = 0; i < 200; i++) {
            assert_true(expected[i] == 0 || expected[i] > now + 1);
            if (expected[i] != 0 && expected[i] < next)
                next = expected[i];
        }
        assert_true(wheel_next(&wheel) == next);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(fires_at_its_tick_not_before, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rounds_of_the_wheel_are_told_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(catches_up_in_order_after_a_stall, set_up, tear_down),
        cmocka_unit_test_setup_teardown(those_of_one_tick_fire_in_slices, set_up, tear_down),
        cmocka_unit_test_setup_teardown(releasing_takes_off_who_is_due, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_past_fires_at_the_next_tick, set_up, tear_down),
        cmocka_unit_test_setup_teardown(starting_again_moves_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_end_of_time_never_comes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_long_time_without_timers_is_no_work, set_up, tear_down),
        cmocka_unit_test_setup_teardown(restarting_itself_fires_once_a_tick, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_callback_may_free_itself_and_its_neighbour, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_callback_may_postpone_its_neighbour, set_up, tear_down),
        cmocka_unit_test_setup_teardown(release_takes_all_off, set_up, tear_down),
        cmocka_unit_test_setup_teardown(agrees_with_a_model, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
