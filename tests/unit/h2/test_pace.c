/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/state.h"
#include "support/test.h"

#define MS       UINT64_C(1000000)
#define BEGAN_NS (1000 * MS)

/* How long nothing leaves behind a round that has lasted so long and served so many. */
static uint64_t pause_when(uint32_t events, uint64_t lasted_ns, uint32_t sessions, uint64_t bytes)
{
    struct h2_pace pace = {0};

    h2_pace_begin(&pace, BEGAN_NS, 5000);
    pace.sessions = sessions;
    pace.events = events;
    h2_pace_end(&pace, BEGAN_NS + lasted_ns, 5000 + bytes);
    return h2_pace_begins_at(&pace, BEGAN_NS + lasted_ns) - BEGAN_NS - lasted_ns;
}

static uint64_t pause_after(uint64_t lasted_ns, uint32_t sessions, uint64_t bytes)
{
    return pause_when(H2_PACE_EVENTS * sessions, lasted_ns, sessions, bytes);
}

static void test_a_lone_event_leaves_at_once(void **state)
{
    struct h2_pace pace = {0};

    (void)state;
    assert_int_equal(h2_pace_begins_at(&pace, BEGAN_NS), BEGAN_NS);
    assert_int_equal(pause_after(MS, 1, 100), 0);
    assert_int_equal(pause_after(50 * MS, H2_PACE_SESSIONS - 1, 6300), 0);
    assert_int_equal(pause_when(3999, 50 * MS, 1000, 6300), 0);
}

static void test_many_writes_of_little_are_followed_by_a_pause(void **state)
{
    (void)state;
    assert_int_equal(pause_after(2 * MS, H2_PACE_SESSIONS, 6400), 8 * MS);
}

static void test_then_the_first_waits_a_little_for_others(void **state)
{
    struct h2_pace pace = {0};
    uint64_t ended_ns = BEGAN_NS + 2 * MS;

    (void)state;
    h2_pace_begin(&pace, BEGAN_NS, 0);
    pace.sessions = 1000;
    pace.events = 4000;
    h2_pace_end(&pace, ended_ns, 100000);
    assert_int_equal(h2_pace_begins_at(&pace, ended_ns + 20 * MS), ended_ns + 22 * MS);
    assert_int_equal(h2_pace_begins_at(&pace, ended_ns + 21 * MS), ended_ns + 22 * MS);
    h2_pace_begin(&pace, ended_ns + 22 * MS, 0);
    pace.sessions = 1;
    h2_pace_end(&pace, ended_ns + 23 * MS, 100);
    assert_int_equal(h2_pace_begins_at(&pace, ended_ns + 30 * MS), ended_ns + 32 * MS);
    assert_int_equal(h2_pace_begins_at(&pace, ended_ns + 58 * MS), ended_ns + 58 * MS);
}

static void test_no_pause_is_longer_than_its_bound(void **state)
{
    (void)state;
    assert_int_equal(pause_after(500 * MS, 100000, 100000), H2_PACE_MOST_NS);
}

static void test_full_records_need_no_pause(void **state)
{
    (void)state;
    assert_int_equal(pause_after(MS, 100, (uint64_t)100 * H2_PACE_BYTES), 0);
    assert_int_equal(pause_after(MS, 100, (uint64_t)100 * H2_PACE_BYTES - 1), 4 * MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_lone_event_leaves_at_once),
        cmocka_unit_test(test_many_writes_of_little_are_followed_by_a_pause),
        cmocka_unit_test(test_then_the_first_waits_a_little_for_others),
        cmocka_unit_test(test_no_pause_is_longer_than_its_bound),
        cmocka_unit_test(test_full_records_need_no_pause),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
