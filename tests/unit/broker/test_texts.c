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
        texts_add(texts, text);
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
    texts_add(&texts, "");
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
    texts_add(&texts, "a");
    texts_add(&texts, longer);
    texts_add(&texts, "b");
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
        (void)texts_adopt(all, text);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_text_counts_once),
        cmocka_unit_test(texts_may_be_of_any_length),
        cmocka_unit_test(a_set_adopts_those_of_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
