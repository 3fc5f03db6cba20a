/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "broker/texts.h"
#include "support/test.h"

static void add_range(struct texts *texts, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        char text[16];

        snprintf(text, sizeof(text), "text-%u", i);
        texts_add(texts, text, "name", 1);
    }
}

static size_t walk(const struct texts *texts)
{
    struct text_cursor cursor = {NULL};
    size_t seen = 0;

    while (texts_next(texts, &cursor))
        seen++;
    assert_null(texts_next(texts, &cursor));
    return seen;
}

static void each_text_counts_once(void **state)
{
    struct texts texts;

    (void)state;
    texts_init(&texts);
    assert_int_equal(walk(&texts), 0);
    add_range(&texts, 0, 100);
    add_range(&texts, 50, 150);
    texts_add(&texts, "", "", 1);
    assert_int_equal(texts.table.count, 150);
    assert_int_equal(walk(&texts), 150);
    texts_release(&texts);
}

static void texts_may_be_of_any_length(void **state)
{
    struct text_cursor cursor = {NULL};
    static char longer[200000];
    struct texts texts;

    (void)state;
    memset(longer, 'x', sizeof(longer) - 1);
    texts_init(&texts);
    texts_add(&texts, "a", "", 1);
    texts_add(&texts, longer, "", 1);
    texts_add(&texts, "b", "", 1);
    assert_string_equal(texts_next(&texts, &cursor)->text, "a");
    assert_string_equal(texts_next(&texts, &cursor)->text, longer);
    assert_string_equal(texts_next(&texts, &cursor)->text, "b");
    texts_release(&texts);
}

static void adopt_all(struct texts *all, const struct texts *texts)
{
    struct text_cursor cursor = {NULL};
    struct text *text;

    while ((text = texts_next(texts, &cursor)))
        texts_adopt(all, text);
}

static void a_set_adopts_those_of_others(void **state)
{
    struct texts texts[4];

    (void)state;
    for (unsigned i = 0; i < 4; i++)
        texts_init(&texts[i]);
    add_range(&texts[0], 0, 10000);
    add_range(&texts[1], 5000, 20000);
    add_range(&texts[3], 0, 50000);
    for (unsigned i = 1; i < 4; i++)
        adopt_all(&texts[0], &texts[i]);
    assert_int_equal(texts[0].table.count, 50000);
    while (texts_shed(&texts[3])) /* as if in slices */
        continue;
    for (unsigned i = 4; i-- > 0;)
        texts_release(&texts[i]);
}

static struct text *find(const struct texts *texts, const char *text)
{
    return table_find(&texts->table, text);
}

static void each_is_counted_in_all(void **state)
{
    struct texts one, other;
    struct text_cursor cursor = {NULL};

    (void)state;
    texts_init(&one);
    texts_init(&other);
    texts_add(&one, "ann", "Ann", 1);
    texts_add(&one, "ann", "Anna", 1);
    texts_add(&other, "ann", "Ann", 3);
    texts_add(&other, "bob", "Bob", 0);
    adopt_all(&one, &other);
    assert_int_equal(find(&one, "ann")->count, 5);
    assert_string_equal(text_name(find(&one, "ann")), "Ann");
    assert_int_equal(find(&one, "bob")->count, 0);
    assert_true(texts_next(&other, &cursor)->is_double);
    assert_false(texts_next(&other, &cursor)->is_double);
    texts_release(&other);
    texts_release(&one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_text_counts_once),
        cmocka_unit_test(texts_may_be_of_any_length),
        cmocka_unit_test(a_set_adopts_those_of_others),
        cmocka_unit_test(each_is_counted_in_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
