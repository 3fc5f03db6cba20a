/* SPDX-License-Identifier: Apache-2.0 */
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

static void a_check_survives(void **state)
{
    struct memory memory = {0};

    (void)state;
    for (size_t i = 0; i < 3; i++)
        memory_check(&memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_used_stays),
        cmocka_unit_test(a_peak_that_has_passed_is_seen_at_the_second_look),
        cmocka_unit_test(one_that_comes_again_needs_its_memory),
        cmocka_unit_test(what_could_not_be_freed_is_not_tried_again),
        cmocka_unit_test(what_could_not_be_freed_once_is_forgotten_when_it_is_used),
        cmocka_unit_test(a_check_survives),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
