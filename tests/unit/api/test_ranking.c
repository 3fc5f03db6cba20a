/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "api/query/ranking.h"
#include "support/test.h"

static void sort(struct ranking *ranking)
{
    while (ranking_sort_step(ranking))
        continue;
}

static void test_keeps_the_first_of_many(void **state)
{
    struct ranking ranking;

    (void)state;
    ranking_init(&ranking, 10);
    for (unsigned i = 0; i < 1000; i++) {
        char name[8];

        snprintf(name, sizeof(name), "%03u", i * 387 % 1000); /* each once, in disorder */
        ranking_offer(&ranking, name, 0, "");
    }
    sort(&ranking);
    assert_int_equal(ranking.count, 10);
    for (unsigned i = 0; i < 10; i++) {
        char name[8];

        snprintf(name, sizeof(name), "%03u", i);
        assert_string_equal(ranking_at(&ranking, i)->name, name);
    }
    ranking_release(&ranking);
}

static void test_order_is_name_then_time_then_id(void **state)
{
    struct ranking ranking;

    (void)state;
    ranking_init(&ranking, 100);
    ranking_offer(&ranking, "b", 1, "1");
    ranking_offer(&ranking, "a", 2, "2");
    ranking_offer(&ranking, "a", 1, "4");
    ranking_offer(&ranking, "a", 1, "3");
    sort(&ranking);
    assert_string_equal(ranking_at(&ranking, 0)->id, "3");
    assert_string_equal(ranking_at(&ranking, 1)->id, "4");
    assert_string_equal(ranking_at(&ranking, 2)->id, "2");
    assert_string_equal(ranking_at(&ranking, 3)->id, "1");
    ranking_release(&ranking);
}

static void test_nothing_and_one(void **state)
{
    struct ranking ranking;

    (void)state;
    ranking_init(&ranking, 0);
    ranking_offer(&ranking, "a", 1, "1");
    assert_int_equal(ranking.count, 0);
    assert_false(ranking_sort_step(&ranking));
    ranking_release(&ranking);
    ranking_init(&ranking, 1);
    ranking_offer(&ranking, "b", 1, "1");
    ranking_offer(&ranking, "a", 1, "2");
    ranking_offer(&ranking, "c", 1, "3");
    sort(&ranking);
    assert_int_equal(ranking.count, 1);
    assert_string_equal(ranking_at(&ranking, 0)->name, "a");
    ranking_release(&ranking);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keeps_the_first_of_many),
        cmocka_unit_test(test_order_is_name_then_time_then_id),
        cmocka_unit_test(test_nothing_and_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
