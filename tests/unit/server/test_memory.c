/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>

#include "server/memory.h"
#include "support/test.h"

#define MIB ((size_t)1024 * 1024)

static void what_is_used_stays(void **state)
{
    struct memory memory = {0};

    (void)state;
    for (size_t i = 0; i < 10; i++)
        assert_false(memory_is_due(&memory, 400 * MIB, 395 * MIB));
}

static void a_peak_that_has_passed_is_seen_at_the_second_look(void **state)
{
    struct memory memory = {0};

    (void)state;
    assert_false(memory_is_due(&memory, 400 * MIB, 20 * MIB));
    assert_true(memory_is_due(&memory, 400 * MIB, 20 * MIB));
}

static void one_that_comes_again_needs_its_memory(void **state)
{
    struct memory memory = {0};

    (void)state;
    for (size_t i = 0; i < 10; i++) {
        assert_false(memory_is_due(&memory, 400 * MIB, 20 * MIB));
        assert_false(memory_is_due(&memory, 400 * MIB, 390 * MIB));
    }
}

static void what_could_not_be_freed_is_not_tried_again(void **state)
{
    struct memory memory = {.kept = 100 * MIB};

    (void)state;
    for (size_t i = 0; i < 10; i++)
        assert_false(memory_is_due(&memory, 120 * MIB, 20 * MIB));
    assert_false(memory_is_due(&memory, 140 * MIB, 20 * MIB));
    assert_true(memory_is_due(&memory, 140 * MIB, 20 * MIB));
}

/* What lay between others is in use again: from then on less counts. */
static void what_could_not_be_freed_once_is_forgotten_when_it_is_used(void **state)
{
    struct memory memory = {.kept = 100 * MIB};

    (void)state;
    assert_false(memory_is_due(&memory, 120 * MIB, 115 * MIB));
    assert_false(memory_is_due(&memory, 120 * MIB, 20 * MIB));
    assert_true(memory_is_due(&memory, 120 * MIB, 20 * MIB));
}

#define SECONDS UINT64_C(1000000000)

static void nobody_looks_while_there_is_much_to_do(void **state)
{
    struct memory memory = {0};

    (void)state;
    assert_false(memory_may_look(&memory, 10 * SECONDS, 1));
    assert_true(memory_may_look(&memory, 20 * SECONDS, 1 * SECONDS));
    assert_false(memory_may_look(&memory, 30 * SECONDS, 3 * SECONDS));
    assert_true(memory_may_look(&memory, 40 * SECONDS, 4 * SECONDS));
}

static void who_always_has_much_to_do_is_looked_at_now_and_then(void **state)
{
    struct memory memory = {0};
    unsigned looks = 0;

    (void)state;
    for (unsigned i = 1; i <= 3 * (MEMORY_PUT_OFF + 2); i++) {
        const bool may_look = memory_may_look(&memory, 10 * SECONDS * i, 8 * SECONDS * i);

        if (i < MEMORY_PUT_OFF)
            assert_false(may_look);
        looks += may_look ? 1 : 0;
    }
    assert_int_equal(looks, 6); /* two in a row, which it takes */
}

static void a_check_survives(void **state)
{
    struct memory memory = {0};

    (void)state;
    for (size_t i = 0; i < 3; i++)
        memory_check(&memory);
}

/* Nobody looks while the process does next to nothing. */
static void it_rests_until_the_process_has_done_something(void **state)
{
    const struct timespec at_once = {0};
    struct memory memory = {0};
    sigset_t signals;

    (void)state;
    sigemptyset(&signals);
    sigaddset(&signals, MEMORY_SIGNAL);
    assert_int_equal(sigprocmask(SIG_BLOCK, &signals, NULL), 0);
    for (size_t i = 0; i < 2; i++) {
        assert_true(memory_rest(&memory));
        while (sigtimedwait(&signals, NULL, &at_once) != MEMORY_SIGNAL)
            continue; /* which takes processor time */
        memory_wake(&memory);
        assert_true(memory.checked_ns > 0);
    }
    memory_release(&memory);
}

static void it_does_not_rest_between_two_looks(void **state)
{
    struct memory due = {0}, put_off = {0};

    (void)state;
    assert_false(memory_is_due(&due, 400 * MIB, 20 * MIB));
    assert_false(memory_rest(&due));
    assert_false(memory_may_look(&put_off, 10 * SECONDS, 9 * SECONDS));
    assert_false(memory_rest(&put_off));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_used_stays),
        cmocka_unit_test(a_peak_that_has_passed_is_seen_at_the_second_look),
        cmocka_unit_test(one_that_comes_again_needs_its_memory),
        cmocka_unit_test(what_could_not_be_freed_is_not_tried_again),
        cmocka_unit_test(what_could_not_be_freed_once_is_forgotten_when_it_is_used),
        cmocka_unit_test(nobody_looks_while_there_is_much_to_do),
        cmocka_unit_test(who_always_has_much_to_do_is_looked_at_now_and_then),
        cmocka_unit_test(it_rests_until_the_process_has_done_something),
        cmocka_unit_test(it_does_not_rest_between_two_looks),
        cmocka_unit_test(a_check_survives),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
