/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_LIST_H
#define BASE_LIST_H
/*
 * Intrusive doubly linked list. A node is zero-filled while it is in no list, so that membership
 * can be asked and list_remove() of an unlinked node is a no-op.
 */
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"

struct list {
    struct list *next;
    struct list *prev;
};

static inline void list_init(struct list *head)
{
    head->next = head;
    head->prev = head;
}

static inline bool list_is_linked(const struct list *node)
{
    return node->next != NULL;
}

static inline bool list_is_empty(const struct list *head)
{
    return head->next == head;
}

static inline void list_insert_before(struct list *position, struct list *node)
{
    node->next = position;
    node->prev = position->prev;
    position->prev->next = node;
    position->prev = node;
}

static inline void list_append(struct list *head, struct list *node)
{
    list_insert_before(head, node);
}

static inline void list_prepend(struct list *head, struct list *node)
{
    list_insert_before(head->next, node);
}

static inline void list_remove(struct list *node)
{
    if (!list_is_linked(node))
        return;
    node->prev->next = node->next;
    node->next->prev = node->prev;
    node->next = NULL;
    node->prev = NULL;
}

/* Takes the first node out, or returns NULL. The safe way to drain a list that changes meanwhile.
 */
static inline struct list *list_take_first(struct list *head)
{
    struct list *node = head->next;

    if (node == head)
        return NULL;
    list_remove(node);
    return node;
}

/* Moves every node of from to the uninitialised head to, in order; from is empty after. */
static inline void list_take_all(struct list *to, struct list *from)
{
    list_init(to);
    if (list_is_empty(from))
        return;
    to->next = from->next;
    to->prev = from->prev;
    to->next->prev = to;
    to->prev->next = to;
    list_init(from);
}

/* Moves every node of from to the front of the list, in order; from is empty after. */
static inline void list_prepend_all(struct list *head, struct list *from)
{
    struct list *first = from->next;
    struct list *last = from->prev;
    struct list *behind = head->next;

    assert(first);
    if (first == from)
        return;
    head->next = first;
    first->prev = head;
    last->next = behind;
    behind->prev = last;
    list_init(from);
}

/* NOLINTBEGIN(bugprone-macro-parentheses): they declare what they name */
#define list_for_each(node, head)                                                                  \
    for (struct list *node = (head)->next; node != (head); node = node->next)

/* The current node may be removed while iterating; no other may. */
#define list_for_each_safe(node, after, head)                                                      \
    for (struct list *node = (head)->next, *after = node->next; node != (head);                    \
         node = after, after = node->next)
/* NOLINTEND(bugprone-macro-parentheses) */

#endif
