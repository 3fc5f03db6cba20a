/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/mem.h"
#include "broker/ranking.h"
#include "support/test.h"

static void init(struct ranking *ranking, size_t limit, bool is_descending)
{
    const struct ranking_choice choice = {.limit = limit, .is_descending = is_descending};

    ranking_init(ranking, &choice);
}

static void offer_range(struct ranking *ranking, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        char text[16];

        snprintf(text, sizeof(text), "%06u", i);
        ranking_offer(ranking, text);
    }
}

static void sort(struct ranking *ranking)
{
    while (ranking_sort_step(ranking))
        continue;
}

static void test_keeps_the_first_of_many(void **state)
{
    struct ranking ranking;

    (void)state;
    init(&ranking, 10, false);
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
    init(&ranking, 0, false);
    assert_false(ranking_may_take(&ranking, ""));
    init(&ranking, 1, false);
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
    init(&ranking, 3, true);
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
    init(&ranking, 0, false);
    ranking_offer(&ranking, "a");
    assert_int_equal(ranking.count, 0);
    assert_false(ranking_sort_step(&ranking));
    ranking_release(&ranking);
    init(&ranking, 1, false);
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

static void test_only_what_lies_between(void **state)
{
    struct ranking_choice choice = {.limit = 10, .after = "000100", .until = "000104"};
    struct ranking ranking;

    (void)state;
    ranking_init(&ranking, &choice);
    offer_range(&ranking, 0, 1000);
    sort(&ranking);
    assert_int_equal(ranking.before, 101);
    assert_int_equal(ranking.between, 4);
    assert_int_equal(ranking.count, 4);
    assert_string_equal(ranking_at(&ranking, 0), "000101");
    ranking_release(&ranking);
    choice = (struct ranking_choice){
        .limit = 2, .is_descending = true, .after = "000104", .until = "000100"};
    ranking_init(&ranking, &choice);
    offer_range(&ranking, 0, 1000);
    sort(&ranking);
    assert_int_equal(ranking.before, 896);
    assert_int_equal(ranking.between, 4);
    assert_string_equal(ranking_at(&ranking, 0), "000103");
    assert_string_equal(ranking_at(&ranking, 1), "000102");
    ranking_release(&ranking);
}

static void test_one_takes_those_of_another(void **state)
{
    struct ranking all, other;

    (void)state;
    init(&all, 3, false);
    init(&other, 3, false);
    ranking_offer(&all, "b");
    ranking_offer(&all, "f");
    offer_range(&other, 0, 2);
    ranking_offer(&other, "c");
    while (ranking_take(&all, &other))
        continue;
    assert_int_equal(other.count, 0);
    sort(&all);
    assert_int_equal(all.count, 3);
    assert_string_equal(ranking_at(&all, 0), "000000");
    assert_string_equal(ranking_at(&all, 2), "b");
    ranking_release(&other);
    ranking_release(&all);
}

/* Half of the sample is of the first half, within eight times the standard deviation. */
static void test_a_sample_is_of_all(void **state)
{
    const struct ranking_choice choice = {.limit = 1000, .is_sample = true};
    struct ranking sample, other;
    size_t of_first_half = 0;

    (void)state;
    ranking_init(&sample, &choice);
    ranking_init(&other, &choice);
    offer_range(&sample, 0, 20000);
    offer_range(&other, 20000, 100000);
    while (ranking_take(&sample, &other))
        continue;
    assert_int_equal(sample.count, 1000);
    for (size_t i = 0; i < sample.count; i++)
        of_first_half += ranking_at(&sample, i)[1] < '5';
    assert_in_range(of_first_half, 500 - 128, 500 + 128);
    ranking_release(&other);
    ranking_release(&sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keeps_the_first_of_many),
        cmocka_unit_test(test_a_beginning_tells),
        cmocka_unit_test(test_the_last_first),
        cmocka_unit_test(test_nothing_and_one),
        cmocka_unit_test(test_only_what_lies_between),
        cmocka_unit_test(test_one_takes_those_of_another),
        cmocka_unit_test(test_a_sample_is_of_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
