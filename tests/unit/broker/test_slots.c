/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/local/slots.h"
#include "support/test.h"

static void a_key_has_so_many_places(void **state)
{
    struct slots slots;

    (void)state;
    slots_init(&slots, 2, 0);
    assert_true(slots_take(&slots, "ann", NULL));
    assert_true(slots_take(&slots, "ann", NULL));
    assert_false(slots_take(&slots, "ann", NULL));
    assert_true(slots_take(&slots, "bob", NULL));
    slots_give(&slots, "ann", NULL);
    assert_true(slots_take(&slots, "ann", NULL));
    assert_false(slots_take(&slots, "ann", NULL));
    slots_release(&slots);
}

static void who_has_none_costs_nothing(void **state)
{
    struct slots slots;

    (void)state;
    slots_init(&slots, 1, 1);
    assert_true(slots_take(&slots, "ann", "laptop"));
    assert_false(slots_take(&slots, "ann", "phone"));
    assert_int_equal(slots.table.count, 1);
    slots_give(&slots, "ann", "laptop");
    assert_int_equal(slots.table.count, 0);
    slots_give(&slots, "ann", "laptop");
    slots_give(&slots, "bob", NULL);
    assert_int_equal(slots.table.count, 0);
    slots_release(&slots);
}

static void any_number_is_not_counted(void **state)
{
    struct slots slots;

    (void)state;
    slots_init(&slots, 0, 3);
    for (int i = 0; i < 100; i++)
        assert_true(slots_take(&slots, "ann", "laptop"));
    assert_int_equal(slots.table.count, 0);
    slots_give(&slots, "ann", "laptop");
    slots_release(&slots);
}

/* Its oldest goes, so that the key has one too many for a moment only. */
static void a_full_client_replaces_its_own(void **state)
{
    struct slots slots;

    (void)state;
    slots_init(&slots, 3, 2);
    assert_true(slots_take(&slots, "ann", "laptop"));
    assert_true(slots_take(&slots, "ann", "laptop"));
    assert_true(slots_take(&slots, "ann", "phone"));
    assert_false(slots_take(&slots, "ann", "phone"));
    assert_false(slots_take(&slots, "ann", "tablet"));
    assert_false(slots_take(&slots, "ann", NULL));
    assert_true(slots_take(&slots, "ann", "laptop"));
    slots_give(&slots, "ann", "laptop");
    assert_false(slots_take(&slots, "ann", "phone"));
    slots_give(&slots, "ann", "laptop");
    assert_true(slots_take(&slots, "ann", "phone"));
    assert_false(slots_take(&slots, "ann", "laptop"));
    slots_release(&slots);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_has_so_many_places),
        cmocka_unit_test(who_has_none_costs_nothing),
        cmocka_unit_test(any_number_is_not_counted),
        cmocka_unit_test(a_full_client_replaces_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
