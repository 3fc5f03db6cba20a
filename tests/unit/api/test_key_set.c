/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "api/query/key_set.h"
#include "support/test.h"

static void add_range(struct key_set *set, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        char key[16];

        snprintf(key, sizeof(key), "key-%u", i);
        key_set_add(set, key);
    }
}

static void test_each_key_counts_once(void **state)
{
    struct key_set set;
    struct key_cursor cursor = {NULL};
    size_t seen = 0;

    (void)state;
    key_set_init(&set);
    add_range(&set, 0, 100);
    add_range(&set, 50, 150);
    key_set_add(&set, "");
    assert_int_equal(key_set_count(&set), 150);
    while (key_set_next(&set, &cursor))
        seen++;
    assert_int_equal(seen, 150);
    key_set_release(&set);
}

struct join {
    struct key_union base;
    struct loop *loop;
    bool done;
    bool in_loop;
};

static void on_done(struct key_union *base)
{
    struct join *join = container_of(base, struct join, base);

    join->done = true;
    if (join->in_loop)
        loop_stop(join->loop);
}

/* So many that it takes more than one slice. */
static void test_union_of_many(void **state)
{
    struct key_set sets[4];
    struct key_set *pointers[4];
    struct join join = {.base.done = on_done, .loop = loop_new()};

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        key_set_init(&sets[i]);
        pointers[i] = &sets[i];
    }
    add_range(&sets[0], 0, 10000);
    add_range(&sets[1], 5000, 20000);
    add_range(&sets[3], 0, 50000);
    key_union_start(join.loop, &join.base, pointers, 4);
    join.in_loop = true;
    if (!join.done)
        loop_run(join.loop);
    assert_true(join.done);
    assert_int_equal(key_set_count(&sets[0]), 50000);
    join.in_loop = join.done = false;
    key_union_release(join.loop, &join.base);
    join.in_loop = true;
    if (!join.done)
        loop_run(join.loop);
    assert_true(join.done);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(key_set_count(&sets[i]), 0);
    loop_free(join.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_key_counts_once),
        cmocka_unit_test(test_union_of_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
