/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QOS_ORDER_H
#define QOS_ORDER_H
/*
 * Things in the order of a key and, where that is the same, of their numbers: a treap, whose nodes
 * are embedded in the things. Adding, removing and finding take logarithmic time; a walk may begin
 * anywhere.
 */
#include <stdint.h>

struct qos_order_node {
    struct qos_order_node *parent, *left, *right;
    int64_t key;
    uint64_t number; /* key and number together are unique in an order */
};

/* Zero-filled is empty and valid. Owns nothing. */
struct qos_order {
    struct qos_order_node *root;
};

void qos_order_add(struct qos_order *order, struct qos_order_node *node, int64_t key,
                   uint64_t number);
void qos_order_remove(struct qos_order *order, struct qos_order_node *node);

/* NULL where there is none. */
struct qos_order_node *qos_order_find(const struct qos_order *order, int64_t key, uint64_t number);
struct qos_order_node *qos_order_first(const struct qos_order *order);
struct qos_order_node *qos_order_next(const struct qos_order_node *node);
/* The first one behind this place, whether anything is there or not. */
struct qos_order_node *qos_order_behind(const struct qos_order *order, int64_t key,
                                        uint64_t number);

#endif
