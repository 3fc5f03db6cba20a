/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sequence.h"
#include "support/test.h"

#define MOST 4u
#define SOON UINT64_C(1000) /* until which the items wait */

static struct sequence_item items[8]; /* item n has the number n */

static struct sequence sequence;

static int begin_anew(void **state)
{
    (void)state;
    for (size_t i = 0; i < 8; i++)
        items[i] = (struct sequence_item){.number = i, .until = SOON};
    sequence_init(&sequence);
    return 0;
}

static enum sequence_turn enter(struct sequence_item *item)
{
    struct sequence_item *replaced;
    enum sequence_turn turn = sequence_enter(&sequence, item, MOST, &replaced);

    assert_null(replaced);
    return turn;
}

/* The number of the item that begins now and ends at once; 0: none does. */
static uint64_t step(uint64_t now_ms)
{
    const struct sequence_item *item = sequence_take(&sequence, now_ms);

    if (!item)
        return 0;
    sequence_end(&sequence);
    return item->number;
}

static void one_begins_when_the_one_before_has_ended(void **state)
{
    (void)state;
    assert_int_equal(enter(&items[1]), SEQUENCE_NOW);
    assert_int_equal(enter(&items[2]), SEQUENCE_HELD);
    assert_null(sequence_take(&sequence, UINT64_MAX));
    sequence_end(&sequence);
    assert_int_equal(step(0), 2);
    assert_int_equal(enter(&items[3]), SEQUENCE_NOW);
}

static void what_comes_early_is_held(void **state)
{
    static const size_t order[] = {3, 2, 4};

    (void)state;
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(enter(&items[order[i]]), SEQUENCE_HELD);
    assert_int_equal(step(0), 0);
    assert_int_equal(enter(&items[1]), SEQUENCE_NOW);
    sequence_end(&sequence);
    for (uint64_t number = 2; number <= 4; number++)
        assert_int_equal(step(0), number);
    assert_int_equal(sequence.count, 0);
}

static void what_is_missing_is_not_waited_for_longer_than_that(void **state)
{
    (void)state;
    enter(&items[2]);
    enter(&items[4]);
    items[5].until = SOON + 1;
    enter(&items[5]);
    assert_int_equal(sequence_due(&sequence), SOON);
    assert_int_equal(step(SOON - 1), 0);
    assert_int_equal(step(SOON), 2);
    assert_int_equal(step(SOON), 4);
    assert_int_equal(step(SOON), 5);
    assert_int_equal(enter(&items[3]), SEQUENCE_LATE);
    assert_int_equal(sequence_due(&sequence), SEQUENCE_NEVER);
}

static void who_waits_no_longer_lets_go_those_before_it(void **state)
{
    (void)state;
    enter(&items[5]);
    items[2].until = 2 * SOON;
    enter(&items[2]);
    assert_int_equal(sequence_due(&sequence), SOON);
    assert_int_equal(step(SOON), 2);
    assert_int_equal(step(SOON), 5);
}

static void time_does_not_count_while_one_is_at_work(void **state)
{
    (void)state;
    enter(&items[1]);
    enter(&items[2]);
    assert_int_equal(sequence_due(&sequence), SEQUENCE_NEVER);
    assert_null(sequence_take(&sequence, UINT64_MAX));
}

static void a_number_that_comes_again_replaces_the_one_that_is_held(void **state)
{
    struct sequence_item again = {.number = 3, .until = SOON}, *replaced;

    (void)state;
    for (size_t number = 2; number <= 5; number++)
        enter(&items[number]);
    assert_int_equal(sequence_enter(&sequence, &again, MOST, &replaced), SEQUENCE_HELD);
    assert_ptr_equal(replaced, &items[3]);
    assert_int_equal(sequence.count, MOST);
    assert_int_equal(step(SOON), 2);
    assert_ptr_equal(sequence_take(&sequence, SOON), &again);
    assert_int_equal(enter(&items[3]), SEQUENCE_LATE);
}

static void no_more_are_held_than_may_be(void **state)
{
    (void)state;
    for (size_t number = 2; number <= 5; number++)
        assert_int_equal(enter(&items[number]), SEQUENCE_HELD);
    assert_int_equal(enter(&items[6]), SEQUENCE_FULL);
    assert_int_equal(enter(&items[1]), SEQUENCE_NOW);
}

static void numbers_may_be_huge(void **state)
{
    struct sequence_item last = {.number = (UINT64_C(1) << 53) - 1, .until = SOON};

    (void)state;
    enter(&last);
    assert_int_equal(step(SOON), last.number);
    assert_int_equal(enter(&items[1]), SEQUENCE_LATE);
}

static void what_comes_after_another_sequence_waits_for_that(void **state)
{
    struct sequence other;
    struct sequence_item before = {.number = 1};
    struct sequence_item *replaced;

    (void)state;
    sequence_init(&other);
    for (size_t i = 1; i <= 2; i++) {
        items[i].other = &other;
        items[i].after = 1;
    }
    assert_int_equal(enter(&items[1]), SEQUENCE_HELD);
    assert_int_equal(sequence_due(&sequence), SOON);
    assert_int_equal(step(SOON - 1), 0);
    assert_int_equal(sequence_enter(&other, &before, MOST, &replaced), SEQUENCE_NOW);
    assert_int_equal(step(SOON - 1), 1);
    assert_int_equal(enter(&items[2]), SEQUENCE_NOW);
    sequence_end(&sequence);
    items[3].other = &other;
    items[3].after = 2;
    assert_int_equal(enter(&items[3]), SEQUENCE_HELD);
    assert_int_equal(step(SOON), 3);
}

static void when_nothing_more_comes_what_waits_for_that_is_dropped(void **state)
{
    (void)state;
    enter(&items[1]);
    enter(&items[2]);
    enter(&items[4]);
    enter(&items[6]);
    assert_ptr_equal(sequence_drop(&sequence), &items[6]);
    assert_ptr_equal(sequence_drop(&sequence), &items[4]);
    assert_null(sequence_drop(&sequence));
    assert_ptr_equal(sequence_drop_any(&sequence), &items[2]);
    assert_null(sequence_drop_any(&sequence));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(one_begins_when_the_one_before_has_ended, begin_anew),
        cmocka_unit_test_setup(what_comes_early_is_held, begin_anew),
        cmocka_unit_test_setup(what_is_missing_is_not_waited_for_longer_than_that, begin_anew),
        cmocka_unit_test_setup(who_waits_no_longer_lets_go_those_before_it, begin_anew),
        cmocka_unit_test_setup(time_does_not_count_while_one_is_at_work, begin_anew),
        cmocka_unit_test_setup(a_number_that_comes_again_replaces_the_one_that_is_held, begin_anew),
        cmocka_unit_test_setup(no_more_are_held_than_may_be, begin_anew),
        cmocka_unit_test_setup(numbers_may_be_huge, begin_anew),
        cmocka_unit_test_setup(what_comes_after_another_sequence_waits_for_that, begin_anew),
        cmocka_unit_test_setup(when_nothing_more_comes_what_waits_for_that_is_dropped, begin_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
