/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/order.h"
#include "support/test.h"

#define NODES 4000u

static struct qos_order_node nodes[NODES];

/* Numbers from 1, in an order that is not theirs: NODES and the factor have no common divisor. */
static uint64_t number_of(size_t index)
{
    return (uint64_t)index * 1237u % NODES + 1;
}

static int64_t key_of(uint64_t number)
{
    return (int64_t)(number % 3) - 1;
}

static void fill(struct qos_order *order)
{
    for (size_t i = 0; i < NODES; i++)
        qos_order_add(order, &nodes[i], key_of(number_of(i)), number_of(i));
}

static size_t count_in_order(const struct qos_order *order)
{
    const struct qos_order_node *last = NULL;
    size_t count = 0;

    for (const struct qos_order_node *node = qos_order_first(order); node;
         node = qos_order_next(node), count++) {
        assert_true(!last || last->key < node->key ||
                    (last->key == node->key && last->number < node->number));
        last = node;
    }
    return count;
}

static void is_empty_at_first(void **state)
{
    const struct qos_order order = {0};

    (void)state;
    assert_null(qos_order_first(&order));
    assert_null(qos_order_find(&order, 0, 1));
    assert_null(qos_order_behind(&order, INT64_MIN, 0));
}

static void walks_in_order(void **state)
{
    struct qos_order order = {0};

    (void)state;
    fill(&order);
    assert_int_equal(count_in_order(&order), NODES);
}

static void finds_each(void **state)
{
    struct qos_order order = {0};

    (void)state;
    fill(&order);
    for (size_t i = 0; i < NODES; i++)
        assert_ptr_equal(qos_order_find(&order, key_of(number_of(i)), number_of(i)), &nodes[i]);
    assert_null(qos_order_find(&order, 0, NODES + 1));
}

static void begins_behind_any_place(void **state)
{
    struct qos_order order = {0};

    (void)state;
    fill(&order);
    assert_int_equal(qos_order_behind(&order, -1, 0)->number, 3);
    assert_int_equal(qos_order_behind(&order, -1, 3)->number, 6);
    assert_int_equal(qos_order_behind(&order, -1, 4)->number, 6);
    assert_int_equal(qos_order_behind(&order, -1, NODES)->key, 0);
    assert_null(qos_order_behind(&order, 1, NODES));
}

static void removes_any_and_stays_in_order(void **state)
{
    struct qos_order order = {0};

    (void)state;
    fill(&order);
    for (size_t i = 0; i < NODES; i += 2)
        qos_order_remove(&order, &nodes[i]);
    assert_int_equal(count_in_order(&order), NODES / 2);
    assert_null(qos_order_find(&order, key_of(number_of(0)), number_of(0)));
    assert_non_null(qos_order_find(&order, key_of(number_of(1)), number_of(1)));
    for (size_t i = 1; i < NODES; i += 2)
        qos_order_remove(&order, &nodes[i]);
    assert_null(qos_order_first(&order));
}

static size_t depth_of(const struct qos_order_node *node)
{
    size_t depth = 0;

    for (; node; node = node->parent)
        depth++;
    return depth;
}

static void stays_flat_when_numbers_rise(void **state)
{
    struct qos_order order = {0};
    size_t deepest = 0;

    (void)state;
    for (size_t i = 0; i < NODES; i++)
        qos_order_add(&order, &nodes[i], 0, i + 1);
    for (size_t i = 0; i < NODES; i++)
        if (depth_of(&nodes[i]) > deepest)
            deepest = depth_of(&nodes[i]);
    assert_in_range(deepest, 12, 48); /* log2(NODES) and four times that */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_empty_at_first),
        cmocka_unit_test(walks_in_order),
        cmocka_unit_test(finds_each),
        cmocka_unit_test(begins_behind_any_place),
        cmocka_unit_test(removes_any_and_stays_in_order),
        cmocka_unit_test(stays_flat_when_numbers_rise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
