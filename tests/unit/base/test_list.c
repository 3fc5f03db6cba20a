/* SPDX-License-Identifier: Apache-2.0 */
#include "base/list.h"
#include "support/test.h"

struct item {
    int value;
    struct list node;
};

static int value_of(struct list *node)
{
    return container_of(node, struct item, node)->value;
}

static void order_is_kept(void **state)
{
    struct item items[4] = {{.value = 0}, {.value = 1}, {.value = 2}, {.value = 3}};
    struct list head;
    int expected = 0;

    (void)state;
    list_init(&head);
    list_append(&head, &items[1].node);
    list_append(&head, &items[3].node);
    list_prepend(&head, &items[0].node);
    list_insert_before(&items[3].node, &items[2].node);
    list_for_each(node, &head) {
        assert_int_equal(value_of(node), expected);
        expected++;
    }
    assert_int_equal(expected, 4);
}

static void removal_unlinks_and_may_be_repeated(void **state)
{
    struct item item = {0};
    struct list head;

    (void)state;
    list_init(&head);
    assert_false(list_is_linked(&item.node));
    list_remove(&item.node);
    list_append(&head, &item.node);
    assert_true(list_is_linked(&item.node));
    list_remove(&item.node);
    list_remove(&item.node);
    assert_false(list_is_linked(&item.node));
    assert_true(list_is_empty(&head));
    assert_null(list_take_first(&head));
}

static void the_current_node_may_go_while_iterating(void **state)
{
    struct item items[3] = {{.value = 0}, {.value = 1}, {.value = 2}};
    struct list head;

    (void)state;
    list_init(&head);
    for (size_t i = 0; i < 3; i++)
        list_append(&head, &items[i].node);
    list_for_each_safe(node, after, &head) {
        if (value_of(node) != 1)
            list_remove(node);
    }
    assert_ptr_equal(list_take_first(&head), &items[1].node);
    assert_true(list_is_empty(&head));
}

static void take_all_moves_everything(void **state)
{
    struct item items[2] = {{.value = 0}, {.value = 1}};
    struct list from, to;

    (void)state;
    list_init(&from);
    list_take_all(&to, &from);
    assert_true(list_is_empty(&to));
    list_append(&from, &items[0].node);
    list_append(&from, &items[1].node);
    list_take_all(&to, &from);
    assert_true(list_is_empty(&from));
    assert_ptr_equal(list_take_first(&to), &items[0].node);
    assert_ptr_equal(list_take_first(&to), &items[1].node);
    assert_true(list_is_empty(&to));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_is_kept),
        cmocka_unit_test(removal_unlinks_and_may_be_repeated),
        cmocka_unit_test(the_current_node_may_go_while_iterating),
        cmocka_unit_test(take_all_moves_everything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
