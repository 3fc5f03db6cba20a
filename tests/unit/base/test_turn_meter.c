/* SPDX-License-Identifier: Apache-2.0 */
#include "base/turn_meter.h"
#include "support/test.h"

#define US UINT64_C(1000)
#define MS UINT64_C(1000000)

static uint64_t cpu_ns;
static unsigned readings;

static uint64_t read_cpu(void)
{
    readings++;
    return cpu_ns;
}

static struct turn_meter meter_new(void)
{
    struct turn_meter meter = {.read_cpu = read_cpu};

    cpu_ns = 0;
    turn_meter_init(&meter);
    readings = 0;
    return meter;
}

/* A turn that lasts so long, of which the thread runs for a part. */
static bool turn(struct turn_meter *meter, uint64_t lasts_ns, uint64_t runs_ns)
{
    turn_meter_begin(meter, 100 * MS);
    cpu_ns += runs_ns;
    return turn_meter_end(meter, 100 * MS + lasts_ns);
}

static void short_turns_do_not_read_the_dear_clock(void **state)
{
    struct turn_meter meter = meter_new();

    (void)state;
    for (unsigned i = 0; i < 99; i++)
        assert_false(turn(&meter, 10 * US, 10 * US));
    assert_int_equal(readings, 0);
    (void)turn(&meter, 10 * US, 10 * US);
    assert_int_equal(readings, 1);
    assert_int_equal(meter.figures.turns[0], 100);
    assert_true(meter.figures.cpu_seconds > 0.0009 && meter.figures.cpu_seconds < 0.0011);
}

static void a_turn_that_waited_for_the_processor_is_not_long(void **state)
{
    struct turn_meter meter = meter_new();

    (void)state;
    assert_false(turn(&meter, 200 * MS, 3 * MS));
    assert_int_equal(meter.turn_cpu_ns, 3 * MS);
    assert_int_equal(meter.lasted_ns, 200 * MS);
    assert_int_equal(meter.figures.turns[2], 1); /* up to 5 ms */
    assert_true(turn(&meter, 200 * MS, 10 * MS));
    assert_int_equal(meter.figures.turns[3], 1);
    assert_true(meter.figures.longest_cpu > 0.0099 && meter.figures.longest_cpu < 0.0101);
}

/* What short turns before it took is not known apart: at most a millisecond, and never more than
 * the turn has lasted. */
static void short_turns_before_add_a_millisecond_at_the_most(void **state)
{
    struct turn_meter meter = meter_new();

    (void)state;
    for (unsigned i = 0; i < 99; i++)
        (void)turn(&meter, 10 * US, 10 * US);
    (void)turn(&meter, 5 * MS, 4 * MS);
    assert_int_equal(meter.turn_cpu_ns, 4 * MS + 990 * US);
    for (unsigned i = 0; i < 99; i++)
        (void)turn(&meter, 10 * US, 10 * US);
    (void)turn(&meter, 100 * US, 100 * US);
    assert_int_equal(meter.turn_cpu_ns, 100 * US);
}

static void turns_beyond_all_bounds_are_counted(void **state)
{
    struct turn_meter meter = meter_new();

    (void)state;
    assert_true(turn(&meter, 3000 * MS, 3000 * MS));
    assert_int_equal(meter.figures.turns[TURN_BOUNDS], 1);
}

static void each_part_has_its_time(void **state)
{
    struct turn_meter meter = meter_new();

    (void)state;
    turn_meter_begin(&meter, 10 * MS);
    turn_meter_mark(&meter, TURN_INPUT, 11 * MS);
    turn_meter_mark(&meter, TURN_TIMERS, 13 * MS);
    turn_meter_mark(&meter, TURN_INPUT, 14 * MS);
    turn_meter_mark(&meter, TURN_FLUSH, 18 * MS);
    assert_int_equal(meter.part_ns[TURN_INPUT], 2 * MS);
    assert_int_equal(meter.part_ns[TURN_TIMERS], 2 * MS);
    assert_int_equal(meter.part_ns[TURN_TASKS], 0);
    assert_int_equal(meter.part_ns[TURN_FLUSH], 4 * MS);
    turn_meter_begin(&meter, 20 * MS);
    assert_int_equal(meter.part_ns[TURN_INPUT], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_turns_do_not_read_the_dear_clock),
        cmocka_unit_test(a_turn_that_waited_for_the_processor_is_not_long),
        cmocka_unit_test(short_turns_before_add_a_millisecond_at_the_most),
        cmocka_unit_test(turns_beyond_all_bounds_are_counted),
        cmocka_unit_test(each_part_has_its_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
