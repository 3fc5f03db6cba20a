/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_QUEUE_H
#define SSE_QUEUE_H
/*
 * The events that wait for one connection: references in order, bounded in number and bytes. Holds
 * no memory while it is empty. Read from the front byte by byte, as the transport has room; an
 * event whose first bytes have left is never dropped.
 */
#include <stddef.h>
#include <stdint.h>

struct sse_event;

struct sse_queue {
    struct sse_event **ring; /* NULL while empty */
    uint32_t capacity;       /* a power of two */
    uint32_t head, count;
    uint32_t offset; /* bytes of the first event that have left */
    size_t bytes;    /* still to leave */
};

void sse_queue_push(struct sse_queue *queue, struct sse_event *event); /* takes a reference */
/* Copies the next length bytes (<= queue->bytes) to to, and drops what has left. */
void sse_queue_take(struct sse_queue *queue, char *to, size_t length);
/* Drops the oldest event that has not begun to leave; its size, or 0 when there is none. */
size_t sse_queue_drop_oldest(struct sse_queue *queue);
/* Drops every event of that name that has not begun to leave; how many. */
size_t sse_queue_drop_named(struct sse_queue *queue, const char *name, uint32_t name_hash);
/* Drops all that have not begun to leave; how many. */
size_t sse_queue_drop_unsent(struct sse_queue *queue);
void sse_queue_release(struct sse_queue *queue); /* drops all; empty and valid after */

#endif
