/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "sse/table.h"
#include "support/test.h"

#define MANY 5000u

struct thing {
    struct sse_table_node node;
    unsigned seen;
    char name[40];
};

static void name_thing(char *name, size_t size, size_t number)
{
    /* Lengths around the hash's word of eight bytes. */
    snprintf(name, size, "%.*s%zu", (int)(number % 20), "aaaaaaaaaaaaaaaaaaaa", number);
}

static struct thing *things_new(struct sse_table *table)
{
    struct thing *things = mem_zalloc(MANY * sizeof(*things));

    sse_table_init(table, SSE_TABLE_KEY_OFFSET(struct thing, node, name));
    for (size_t i = 0; i < MANY; i++) {
        name_thing(things[i].name, sizeof(things[i].name), i);
        sse_table_add(table, &things[i].node);
    }
    return things;
}

static void test_empty(void **state)
{
    struct sse_table table;

    (void)state;
    sse_table_init(&table, SSE_TABLE_KEY_OFFSET(struct thing, node, name));
    assert_null(sse_table_find(&table, ""));
    assert_null(sse_table_find(&table, "x"));
    assert_null(sse_table_next(&table, NULL));
    sse_table_release(&table);
}

static void test_find_among_many(void **state)
{
    struct sse_table table;
    struct thing *things = things_new(&table);
    char name[40];

    (void)state;
    assert_int_equal(table.count, MANY);
    for (size_t i = 0; i < MANY; i++) {
        name_thing(name, sizeof(name), i);
        assert_ptr_equal(sse_table_find(&table, name), &things[i].node);
    }
    assert_null(sse_table_find(&table, "b"));
    sse_table_release(&table);
    free(things);
}

static void test_next_sees_each_once(void **state)
{
    struct sse_table table;
    struct thing *things = things_new(&table);
    struct sse_table_node *node = sse_table_next(&table, NULL);
    size_t seen = 0;

    (void)state;
    for (; node; node = sse_table_next(&table, node)) {
        assert_int_equal(container_of(node, struct thing, node)->seen++, 0);
        seen++;
    }
    assert_int_equal(seen, MANY);
    sse_table_release(&table);
    free(things);
}

static void test_remove_shrinks(void **state)
{
    struct sse_table table;
    struct thing *things = things_new(&table);
    const size_t size = table.size;

    (void)state;
    for (size_t i = 0; i < MANY - 1; i++) {
        sse_table_remove(&table, &things[i].node);
        assert_null(sse_table_find(&table, things[i].name));
    }
    assert_ptr_equal(sse_table_find(&table, things[MANY - 1].name), &things[MANY - 1].node);
    assert_true(table.size < size / 64);
    sse_table_remove(&table, &things[MANY - 1].node);
    assert_int_equal(table.count, 0);
    sse_table_release(&table);
    free(things);
}

/* Nobody outside can know which texts share a bucket. */
static void test_secret_differs(void **state)
{
    struct sse_table one;
    struct sse_table other;

    (void)state;
    sse_table_init(&one, 0);
    sse_table_init(&other, 0);
    assert_memory_not_equal(&one.secret, &other.secret, sizeof(one.secret));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_find_among_many),
        cmocka_unit_test(test_next_sees_each_once),
        cmocka_unit_test(test_remove_shrinks),
        cmocka_unit_test(test_secret_differs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
