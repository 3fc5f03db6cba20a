/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/mem.h"
#include "broker/texts.h"
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
    ranking_init(&ranking, 10, false);
    for (unsigned i = 0; i < 1000; i++) {
        char text[8];

        snprintf(text, sizeof(text), "%03u", i * 387 % 1000); /* each once, in disorder */
        ranking_offer(&ranking, text);
    }
    sort(&ranking);
    assert_int_equal(ranking.count, 10);
    for (unsigned i = 0; i < 10; i++) {
        char text[8];

        snprintf(text, sizeof(text), "%03u", i);
        assert_string_equal(ranking_at(&ranking, i), text);
    }
    ranking_release(&ranking);
}

static void test_a_beginning_tells(void **state)
{
    struct ranking ranking;

    (void)state;
    ranking_init(&ranking, 0, false);
    assert_false(ranking_may_take(&ranking, ""));
    ranking_init(&ranking, 1, false);
    assert_true(ranking_may_take(&ranking, "z"));
    ranking_offer(&ranking, "bob 2");
    assert_true(ranking_may_take(&ranking, "ann"));
    assert_true(ranking_may_take(&ranking, "bob"));
    assert_false(ranking_may_take(&ranking, "cid"));
    ranking_release(&ranking);
}

static void test_the_last_first(void **state)
{
    static const char *const texts[] = {"ann 1", "cid 1", "ann 2", "ann", "bob"};
    static const char *const wanted[] = {"cid 1", "bob", "ann 2"};
    struct ranking ranking;

    (void)state;
    ranking_init(&ranking, 3, true);
    for (size_t i = 0; i < COUNT(texts); i++)
        ranking_offer(&ranking, texts[i]);
    assert_true(ranking_may_take(&ranking, "ann"));
    assert_false(ranking_may_take(&ranking, "amy"));
    ranking_offer(&ranking, "ann 1"); /* a beginning like that of the last one, and behind it */
    sort(&ranking);
    assert_int_equal(ranking.count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(ranking_at(&ranking, i), wanted[i]);
    ranking_release(&ranking);
}

static void test_nothing_and_one(void **state)
{
    struct ranking ranking;

    (void)state;
    ranking_init(&ranking, 0, false);
    ranking_offer(&ranking, "a");
    assert_int_equal(ranking.count, 0);
    assert_false(ranking_sort_step(&ranking));
    ranking_release(&ranking);
    ranking_init(&ranking, 1, false);
    ranking_offer(&ranking, "b");
    ranking_offer(&ranking, "a");
    ranking_offer(&ranking, "c");
    sort(&ranking);
    assert_int_equal(ranking.count, 1);
    assert_string_equal(ranking_at(&ranking, 0), "a");
    assert_true(ranking_shed(&ranking));
    assert_false(ranking_shed(&ranking));
    ranking_release(&ranking);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keeps_the_first_of_many),
        cmocka_unit_test(test_a_beginning_tells),
        cmocka_unit_test(test_the_last_first),
        cmocka_unit_test(test_nothing_and_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
