/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/table.h"
#include "support/test.h"

#define MANY 5000u

struct thing {
    unsigned seen;
    struct table_node node;
    char name[40];
};

static void name_thing(char *name, size_t size, size_t number)
{
    /* Lengths around the hash's word of eight bytes. */
    snprintf(name, size, "%.*s%zu", (int)(number % 20), "aaaaaaaaaaaaaaaaaaaa", number);
}

static struct thing *things_new(struct table *table)
{
    struct thing *things = mem_zalloc(MANY * sizeof(*things));

    table_init(table, TABLE_BY_TEXT(struct thing, node, name));
    for (size_t i = 0; i < MANY; i++) {
        name_thing(things[i].name, sizeof(things[i].name), i);
        table_add(table, &things[i].node);
    }
    return things;
}

static void test_empty(void **state)
{
    struct table table;

    (void)state;
    table_init(&table, TABLE_BY_TEXT(struct thing, node, name));
    assert_null(table_find(&table, ""));
    assert_null(table_find(&table, "x"));
    assert_null(table_next(&table, NULL));
    table_release(&table);
}

static void test_find_among_many(void **state)
{
    struct table table;
    struct thing *things = things_new(&table);
    char name[40];

    (void)state;
    assert_int_equal(table.count, MANY);
    for (size_t i = 0; i < MANY; i++) {
        name_thing(name, sizeof(name), i);
        assert_ptr_equal(table_find(&table, name), &things[i]);
    }
    assert_null(table_find(&table, "b"));
    table_release(&table);
    free(things);
}

static void test_next_sees_each_once(void **state)
{
    struct table table;
    struct thing *things = things_new(&table);
    size_t seen = 0;

    (void)state;
    for (struct thing *thing = table_next(&table, NULL); thing; thing = table_next(&table, thing)) {
        assert_int_equal(thing->seen++, 0);
        seen++;
    }
    assert_int_equal(seen, MANY);
    table_release(&table);
    free(things);
}

static void test_remove_shrinks(void **state)
{
    struct table table;
    struct thing *things = things_new(&table);
    const size_t size = table.size;

    (void)state;
    for (size_t i = 0; i < MANY - 1; i++) {
        table_remove(&table, &things[i].node);
        assert_null(table_find(&table, things[i].name));
    }
    assert_ptr_equal(table_find(&table, things[MANY - 1].name), &things[MANY - 1]);
    assert_true(table.size < size / 64);
    table_remove(&table, &things[MANY - 1].node);
    assert_int_equal(table.count, 0);
    table_release(&table);
    free(things);
}

/* Adds until the table has begun to grow; the number of things then. */
static size_t add_until_it_grows(struct table *table, struct thing *things)
{
    size_t count = 0;

    table_init(table, TABLE_BY_TEXT(struct thing, node, name));
    while (count < 1000 || !table->old || table->moved > 0) {
        assert_true(count < MANY);
        name_thing(things[count].name, sizeof(things[count].name), count);
        table_add(table, &things[count++].node);
    }
    return count;
}

static void assert_each_once(const struct table *table, const struct thing *things, size_t first,
                             size_t end)
{
    size_t seen = 0;

    for (const struct thing *thing = table_next(table, NULL); thing;
         thing = table_next(table, thing)) {
        const size_t i = (size_t)(thing - things);

        assert_in_range(i, first, end - 1);
        seen++;
    }
    assert_int_equal(seen, end - first);
    assert_int_equal(table->count, end - first);
    for (size_t i = 0; i < end; i++) {
        const struct thing *expected = i < first ? NULL : &things[i];

        assert_ptr_equal(table_find(table, things[i].name), expected);
    }
}

/* Each thing that comes moves a few others, and all have moved before the next growth is due. */
static void test_grows_in_steps(void **state)
{
    struct thing *things = mem_zalloc(MANY * sizeof(*things));
    struct table table;
    size_t count = add_until_it_grows(&table, things);

    (void)state;
    while (table.old) {
        const size_t before = table.moved;

        assert_true(table.count < table.size);
        assert_each_once(&table, things, 0, count);
        name_thing(things[count].name, sizeof(things[count].name), count);
        table_add(&table, &things[count++].node);
        assert_true(!table.old || table.moved - before <= 32);
    }
    assert_each_once(&table, things, 0, count);
    table_release(&table);
    free(things);
}

/* Half moved, they are found and taken out on both sides; and shrinking goes in steps, too. */
static void test_shrinks_in_steps(void **state)
{
    struct thing *things = mem_zalloc(MANY * sizeof(*things));
    struct table table;
    const size_t count = add_until_it_grows(&table, things);
    size_t shrinking = 0;

    (void)state;
    for (size_t first = 0; first < count; first++) {
        const size_t before = table.old ? table.moved : 0;
        const struct table_node *const *old = (const struct table_node *const *)table.old;

        table_remove(&table, &things[first].node);
        if (table.old && old)
            assert_true(table.moved - before <= 32);
        shrinking += table.old && table.size < table.old_size;
        assert_each_once(&table, things, first + 1, count);
    }
    assert_true(shrinking > 10);
    table_release(&table);
    free(things);
}

static void test_released_while_it_grows(void **state)
{
    struct thing *things = mem_zalloc(MANY * sizeof(*things));
    struct table table;

    (void)state;
    (void)add_until_it_grows(&table, things);
    table_release(&table);
    assert_null(table_find(&table, "0"));
    assert_null(table_next(&table, NULL));
    free(things);
}

/* Nobody outside can know which texts share a bucket. */
static void test_secret_differs(void **state)
{
    struct table one;
    struct table other;

    (void)state;
    table_init(&one, TABLE_BY_TEXT(struct thing, node, name));
    table_init(&other, TABLE_BY_TEXT(struct thing, node, name));
    assert_memory_not_equal(&one.secret, &other.secret, sizeof(one.secret));
}

struct numbered {
    char name; /* neither node nor key comes first */
    struct table_node node;
    uint64_t number;
};

/* The numbers differ in their upper or in their lower bits, and many have zero bytes. */
static uint64_t number_at(size_t i)
{
    return i % 2 ? (uint64_t)i << 32 : i;
}

static void test_numbers(void **state)
{
    struct table table;

    (void)state;
    table_init(&table, TABLE_BY_VALUE(struct numbered, node, number));
    for (size_t i = 0; i < MANY; i++) {
        const uint64_t number = number_at(i);

        assert_null(table_find(&table, &number));
        ((struct numbered *)table_new_item(&table, &number))->name = (char)(i % 100);
    }
    assert_int_equal(table.count, MANY);
    for (size_t i = 0; i < MANY; i++) {
        const uint64_t number = number_at(i);
        struct numbered *item = table_find(&table, &number);

        assert_int_equal(item->number, number);
        assert_int_equal(item->name, i % 100);
        table_remove(&table, &item->node);
        free(item);
    }
    assert_int_equal(table.count, 0);
    table_release(&table);
}

/* Also when it is changing its size, and when others come meanwhile. */
static void test_first_takes_out_all(void **state)
{
    struct thing *things = mem_zalloc(MANY * sizeof(*things));
    struct table table;
    size_t count = add_until_it_grows(&table, things), taken = 0;
    struct thing *thing;

    (void)state;
    for (; (thing = table_first(&table)); taken++) {
        assert_ptr_equal(table_find(&table, thing->name), thing);
        table_remove(&table, &thing->node);
        assert_null(table_find(&table, thing->name));
        if (taken % 3 == 0 && count < MANY) {
            name_thing(things[count].name, sizeof(things[count].name), count);
            table_add(&table, &things[count++].node);
        }
        assert_int_equal(table.count, count - taken - 1);
        assert_int_equal(thing->seen++, 0);
    }
    assert_int_equal(taken, count);
    table_release(&table);
    free(things);
}

struct named {
    uint64_t number;
    struct table_node node;
    uint16_t small;
    char name[]; /* begins within the padding behind small */
};

/* An item is as large as its struct, however short its text is. */
static void test_new_items(void **state)
{
    static const char *const names[] = {"", "a", "abcdefghijklmnopqrstuvwxyz"};
    struct table table;
    struct named *item;

    (void)state;
    table_init(&table, TABLE_BY_TEXT(struct named, node, name));
    for (size_t i = 0; i < 3; i++) {
        item = table_new_item(&table, names[i]);
        assert_int_equal(item->number, 0);
        assert_int_equal(item->small, 0);
        assert_string_equal(item->name, names[i]);
        assert_ptr_equal(table_find(&table, names[i]), item);
    }
    while ((item = table_next(&table, NULL))) {
        table_remove(&table, &item->node);
        *item = (struct named){0};
        free(item);
    }
    table_release(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_find_among_many),
        cmocka_unit_test(test_next_sees_each_once),
        cmocka_unit_test(test_remove_shrinks),
        cmocka_unit_test(test_grows_in_steps),
        cmocka_unit_test(test_shrinks_in_steps),
        cmocka_unit_test(test_released_while_it_grows),
        cmocka_unit_test(test_secret_differs),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_first_takes_out_all),
        cmocka_unit_test(test_new_items),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
