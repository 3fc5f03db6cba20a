/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_QUEUE_H
#define SSE_QUEUE_H
/*
 * The events that wait for one connection: references in order. Two fit into the struct; more take
 * a ring, which is given back when the queue is empty. Read from the front byte by byte, as the
 * transport has room. An event whose first bytes have left is never dropped, nor is a front event
 * that was pinned; nor, before the end, are those that are kept (sse/event.h). Zero-filled is empty
 * and valid. Its bounds are the connection's affair.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sse_event;

#define SSE_QUEUE_INLINE 2u /* a power of two */

struct sse_queue {
    size_t bytes; /* still to leave */
    uint32_t count;
    uint32_t head;
    uint32_t offset;   /* bytes of the first event that have left */
    uint32_t capacity; /* of the ring: a power of two */
    struct sse_event *slots[SSE_QUEUE_INLINE];
    struct sse_event **ring; /* NULL: slots is what there is */
    bool is_front_pinned;
};

void sse_queue_push(struct sse_queue *queue, struct sse_event *event); /* takes a reference */
bool sse_queue_ends_with(struct sse_queue *queue, const struct sse_event *event);
/* Pushes the first event of an empty queue; it is never dropped. */
void sse_queue_push_pinned(struct sse_queue *queue, struct sse_event *event);
/* Inserts the event before all that may be dropped, in the place of another one that is still there
 * (NULL: of none). */
void sse_queue_insert(struct sse_queue *queue, struct sse_event *event,
                      const struct sse_event *instead);
/* Whether the event is where it was inserted: none of it has left. */
bool sse_queue_is_inserted(struct sse_queue *queue, const struct sse_event *event);
/* Copies the next length bytes (<= queue->bytes) to to, and drops what has left. */
void sse_queue_take(struct sse_queue *queue, char *to, size_t length);
/* Drops the oldest event that may be dropped; its size, or 0 when there is none. */
size_t sse_queue_drop_oldest(struct sse_queue *queue);
/* Where that one is in the log; 0: it is not there, or there is none. */
uint64_t sse_queue_oldest_position(const struct sse_queue *queue);
/* Drops every event of that name that may be dropped; name NULL, for the end: all of which nothing
 * has left, the kept ones, too. How many. */
size_t sse_queue_drop(struct sse_queue *queue, const char *name, uint32_t name_hash);
/* Takes the newest event back; false: some of it has left, or there is none. */
bool sse_queue_drop_newest(struct sse_queue *queue);
/* Where the first one is in the log that is there; 0: none is. */
uint64_t sse_queue_position(const struct sse_queue *queue);
void sse_queue_release(struct sse_queue *queue); /* drops all; empty and valid after */

#endif
