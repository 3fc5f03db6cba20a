/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H
/*
 * Knows the first of many things: a binary heap, whose nodes are embedded in the things. Adding,
 * removing and moving take logarithmic time. Owns the array of nodes; the things are their user's.
 */
#include <stdbool.h>
#include <stddef.h>

struct heap_node {
    size_t place; /* in the array */
};

struct heap {
    struct heap_node **nodes; /* the first one is at 0 */
    size_t count, room;
    bool (*is_before)(const struct heap_node *one, const struct heap_node *other);
};

void heap_init(struct heap *heap,
               bool (*is_before)(const struct heap_node *one, const struct heap_node *other));
void heap_release(struct heap *heap);

void heap_add(struct heap *heap, struct heap_node *node);

/* nodes[count] is free then, until the next one is added: a heap is sorted in place that way. */
void heap_remove(struct heap *heap, struct heap_node *node);

/* It has become earlier, or later. */
void heap_move(struct heap *heap, struct heap_node *node);

/* NULL: the heap is empty. */
static inline struct heap_node *heap_first(const struct heap *heap)
{
    return heap->count > 0 ? heap->nodes[0] : NULL;
}

#endif
