/* SPDX-License-Identifier: Apache-2.0 */
#include "api/limit/tally.h"
#include "support/test.h"

static void a_key_has_so_many_places(void **state)
{
    struct tally tally;

    (void)state;
    tally_init(&tally, 2, 0);
    assert_true(tally_take(&tally, "ann", NULL));
    assert_true(tally_take(&tally, "ann", NULL));
    assert_false(tally_take(&tally, "ann", NULL));
    assert_true(tally_take(&tally, "bob", NULL));
    tally_give(&tally, "ann", NULL);
    assert_true(tally_take(&tally, "ann", NULL));
    assert_false(tally_take(&tally, "ann", NULL));
    tally_release(&tally);
}

static void who_has_none_costs_nothing(void **state)
{
    struct tally tally;

    (void)state;
    tally_init(&tally, 1, 1);
    assert_true(tally_take(&tally, "ann", "laptop"));
    assert_false(tally_take(&tally, "ann", "phone"));
    assert_int_equal(tally.table.count, 1);
    tally_give(&tally, "ann", "laptop");
    assert_int_equal(tally.table.count, 0);
    tally_give(&tally, "ann", "laptop");
    tally_give(&tally, "bob", NULL);
    assert_int_equal(tally.table.count, 0);
    tally_release(&tally);
}

static void any_number_is_not_counted(void **state)
{
    struct tally tally;

    (void)state;
    tally_init(&tally, 0, 3);
    for (int i = 0; i < 100; i++)
        assert_true(tally_take(&tally, "ann", "laptop"));
    assert_int_equal(tally.table.count, 0);
    tally_give(&tally, "ann", "laptop");
    tally_release(&tally);
}

/* Its oldest goes, so that the key has one too many for a moment only. */
static void a_full_client_replaces_its_own(void **state)
{
    struct tally tally;

    (void)state;
    tally_init(&tally, 3, 2);
    assert_true(tally_take(&tally, "ann", "laptop"));
    assert_true(tally_take(&tally, "ann", "laptop"));
    assert_true(tally_take(&tally, "ann", "phone"));
    assert_false(tally_take(&tally, "ann", "phone"));
    assert_false(tally_take(&tally, "ann", "tablet"));
    assert_false(tally_take(&tally, "ann", NULL));
    assert_true(tally_take(&tally, "ann", "laptop"));
    tally_give(&tally, "ann", "laptop");
    assert_false(tally_take(&tally, "ann", "phone"));
    tally_give(&tally, "ann", "laptop");
    assert_true(tally_take(&tally, "ann", "phone"));
    assert_false(tally_take(&tally, "ann", "laptop"));
    tally_release(&tally);
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
