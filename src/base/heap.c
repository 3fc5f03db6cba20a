/* SPDX-License-Identifier: Apache-2.0 */
#include "base/heap.h"

#include <stdlib.h>

#include "base/mem.h"

#define FIRST_ROOM 16u

void heap_init(struct heap *heap,
               bool (*is_before)(const struct heap_node *one, const struct heap_node *other))
{
    *heap = (struct heap){.is_before = is_before};
}

void heap_release(struct heap *heap)
{
    free(heap->nodes);
    heap_init(heap, heap->is_before);
}

static void put(struct heap *heap, size_t place, struct heap_node *node)
{
    heap->nodes[place] = node;
    node->place = place;
}

static bool is_before(const struct heap *heap, size_t place, const struct heap_node *node)
{
    return heap->is_before(heap->nodes[place], node);
}

static size_t earlier_child(const struct heap *heap, size_t place)
{
    const size_t left = 2 * place + 1;
    const size_t right = left + 1;

    return right < heap->count && is_before(heap, right, heap->nodes[left]) ? right : left;
}

void heap_move(struct heap *heap, struct heap_node *node)
{
    size_t place = node->place;
    size_t child;

    while (place > 0 && heap->is_before(node, heap->nodes[(place - 1) / 2])) {
        put(heap, place, heap->nodes[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    while ((child = earlier_child(heap, place)) < heap->count && is_before(heap, child, node)) {
        put(heap, place, heap->nodes[child]);
        place = child;
    }
    put(heap, place, node);
}

void heap_add(struct heap *heap, struct heap_node *node)
{
    if (heap->count == heap->room) {
        heap->room = heap->room > 0 ? 2 * heap->room : FIRST_ROOM;
        heap->nodes = mem_realloc(heap->nodes, heap->room * sizeof(struct heap_node *));
    }
    put(heap, heap->count++, node);
    heap_move(heap, node);
}

void heap_remove(struct heap *heap, struct heap_node *node)
{
    struct heap_node *last = heap->nodes[--heap->count];

    if (last == node)
        return;
    put(heap, node->place, last);
    heap_move(heap, last);
}
