/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/order.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

/* A heap by priority keeps the tree flat. The numbers are ours, not a stranger's, so that mixing
 * one (the finalizer of SplitMix64) is random enough, and takes no room. */
static uint64_t priority(const struct qos_order_node *node)
{
    uint64_t bits = node->number + 0x9e3779b97f4a7c15u;

    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9u;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebu;
    return bits ^ (bits >> 31);
}

static bool is_behind(const struct qos_order_node *node, int64_t key, uint64_t number)
{
    return node->key > key || (node->key == key && node->number > number);
}

/* Where the tree holds the node. */
static struct qos_order_node **link_of(struct qos_order *order, const struct qos_order_node *node)
{
    if (!node->parent)
        return &order->root;
    return node->parent->left == node ? &node->parent->left : &node->parent->right;
}

static void put_below(struct qos_order_node **link, struct qos_order_node *parent,
                      struct qos_order_node *node)
{
    *link = node;
    if (node)
        node->parent = parent;
}

/* The node and its parent change places, what is between them in order moves over. */
static void rotate_up(struct qos_order *order, struct qos_order_node *node)
{
    struct qos_order_node *parent = node->parent;
    struct qos_order_node **link = link_of(order, parent);
    struct qos_order_node *above = parent->parent;

    if (parent->left == node) {
        put_below(&parent->left, parent, node->right);
        put_below(&node->right, node, parent);
    } else {
        put_below(&parent->right, parent, node->left);
        put_below(&node->left, node, parent);
    }
    put_below(link, above, node);
}

void qos_order_add(struct qos_order *order, struct qos_order_node *node, int64_t key,
                   uint64_t number)
{
    struct qos_order_node **link = &order->root;
    struct qos_order_node *parent = NULL;

    *node = (struct qos_order_node){.key = key, .number = number};
    while (*link) {
        parent = *link;
        assert(parent->key != key || parent->number != number);
        link = is_behind(parent, key, number) ? &parent->left : &parent->right;
    }
    put_below(link, parent, node);
    while (node->parent && priority(node->parent) < priority(node))
        rotate_up(order, node);
}

void qos_order_remove(struct qos_order *order, struct qos_order_node *node)
{
    struct qos_order_node *only;

    while (node->left && node->right)
        rotate_up(order, priority(node->left) > priority(node->right) ? node->left : node->right);
    only = node->left ? node->left : node->right;
    put_below(link_of(order, node), node->parent, only);
    *node = (struct qos_order_node){0};
}

struct qos_order_node *qos_order_find(const struct qos_order *order, int64_t key, uint64_t number)
{
    struct qos_order_node *node = order->root;

    while (node && (node->key != key || node->number != number))
        node = is_behind(node, key, number) ? node->left : node->right;
    return node;
}

static struct qos_order_node *leftmost(struct qos_order_node *node)
{
    while (node && node->left)
        node = node->left;
    return node;
}

struct qos_order_node *qos_order_first(const struct qos_order *order)
{
    return leftmost(order->root);
}

struct qos_order_node *qos_order_next(const struct qos_order_node *node)
{
    if (node->right)
        return leftmost(node->right);
    while (node->parent && node->parent->right == node)
        node = node->parent;
    return node->parent;
}

struct qos_order_node *qos_order_behind(const struct qos_order *order, int64_t key, uint64_t number)
{
    struct qos_order_node *found = NULL;

    for (struct qos_order_node *node = order->root; node;) {
        if (is_behind(node, key, number)) {
            found = node;
            node = node->left;
        } else {
            node = node->right;
        }
    }
    return found;
}
