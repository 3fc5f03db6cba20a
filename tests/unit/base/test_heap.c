/* SPDX-License-Identifier: Apache-2.0 */
#include "base/heap.h"
#include "base/list.h"
#include "support/test.h"

enum { ITEMS = 300 };

struct item {
    struct heap_node node;
    unsigned key;
    bool is_in;
};

static struct item items[ITEMS];
static struct heap heap;
static unsigned random_state;

static bool is_before(const struct heap_node *one, const struct heap_node *other)
{
    return container_of(one, struct item, node)->key < container_of(other, struct item, node)->key;
}

static int set_up(void **state)
{
    (void)state;
    heap_init(&heap, is_before);
    random_state = 1;
    for (size_t i = 0; i < ITEMS; i++)
        items[i] = (struct item){0};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    heap_release(&heap);
    return 0;
}

/* Below that; the high bits are the random ones. */
static unsigned draw(unsigned below)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % below;
}

static void an_empty_one_has_no_first(void **state)
{
    (void)state;
    assert_null(heap_first(&heap));
    heap_add(&heap, &items[0].node);
    assert_ptr_equal(heap_first(&heap), &items[0].node);
    heap_remove(&heap, &items[0].node);
    assert_null(heap_first(&heap));
}

static void add(struct item *item)
{
    item->key = draw(100);
    item->is_in = true;
    heap_add(&heap, &item->node);
}

static void change(struct item *item)
{
    if (!item->is_in) {
        add(item);
    } else if (draw(2) == 0) {
        item->key = draw(100);
        heap_move(&heap, &item->node);
    } else {
        item->is_in = false;
        heap_remove(&heap, &item->node);
    }
}

/* A plain look at all of them finds nothing that is earlier. */
static void agrees_with_a_model(void **state)
{
    (void)state;
    for (unsigned step = 0; step < 10000; step++) {
        size_t count = 0;

        change(&items[draw(ITEMS)]);
        for (size_t i = 0; i < ITEMS; i++) {
            count += items[i].is_in;
            assert_false(items[i].is_in && is_before(&items[i].node, heap_first(&heap)));
        }
        assert_int_equal(heap.count, count);
    }
}

static void it_is_sorted_in_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < ITEMS; i++)
        add(&items[i]);
    while (heap.count > 0) {
        struct heap_node *first = heap_first(&heap);

        heap_remove(&heap, first);
        heap.nodes[heap.count] = first;
    }
    for (size_t i = 1; i < ITEMS; i++)
        assert_false(is_before(heap.nodes[i - 1], heap.nodes[i]));
}

#define HEAP_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HEAP_TEST(an_empty_one_has_no_first),
        HEAP_TEST(agrees_with_a_model),
        HEAP_TEST(it_is_sorted_in_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
