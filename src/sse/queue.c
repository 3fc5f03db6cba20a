/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/queue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "sse/event.h"

#define FIRST_RING 4u

static struct sse_event **slot(struct sse_queue *queue, uint32_t index)
{
    if (!queue->ring)
        return &queue->slots[(queue->head + index) & (SSE_QUEUE_INLINE - 1)];
    return &queue->ring[(queue->head + index) & (queue->capacity - 1)];
}

static const struct sse_event *event_at(const struct sse_queue *queue, uint32_t index)
{
    if (!queue->ring)
        return queue->slots[(queue->head + index) & (SSE_QUEUE_INLINE - 1)];
    return queue->ring[(queue->head + index) & (queue->capacity - 1)];
}

static void grow(struct sse_queue *queue)
{
    const uint32_t capacity = queue->ring ? queue->capacity * 2 : FIRST_RING;
    struct sse_event **ring = mem_alloc(capacity * sizeof(struct sse_event *));

    for (uint32_t i = 0; i < queue->count; i++)
        ring[i] = *slot(queue, i);
    free(queue->ring);
    queue->ring = ring;
    queue->capacity = capacity;
    queue->head = 0;
}

static void on_shrunk(struct sse_queue *queue)
{
    if (queue->count > 0)
        return;
    free(queue->ring);
    queue->ring = NULL;
    queue->capacity = 0;
    queue->head = 0;
}

static void pop_front(struct sse_queue *queue)
{
    sse_event_unref(*slot(queue, 0));
    queue->head++;
    queue->count--;
    queue->offset = 0;
    queue->is_front_pinned = false;
    on_shrunk(queue);
}

/* How many events at the front may not be dropped, whatever they are: 0 or 1. */
static uint32_t fixed(const struct sse_queue *queue)
{
    return queue->offset > 0 || (queue->is_front_pinned && queue->count > 0) ? 1 : 0;
}

void sse_queue_push(struct sse_queue *queue, struct sse_event *event)
{
    if (queue->count == (queue->ring ? queue->capacity : SSE_QUEUE_INLINE))
        grow(queue);
    *slot(queue, queue->count) = sse_event_ref(event);
    queue->count++;
    queue->bytes += event->wire->length;
}

bool sse_queue_ends_with(struct sse_queue *queue, const struct sse_event *event)
{
    return queue->count > 0 && *slot(queue, queue->count - 1) == event;
}

void sse_queue_push_pinned(struct sse_queue *queue, struct sse_event *event)
{
    assert(queue->count == 0);
    sse_queue_push(queue, event);
    queue->is_front_pinned = true;
}

bool sse_queue_is_inserted(struct sse_queue *queue, const struct sse_event *event)
{
    const uint32_t index = fixed(queue);

    return index < queue->count && *slot(queue, index) == event;
}

void sse_queue_insert(struct sse_queue *queue, struct sse_event *event,
                      const struct sse_event *instead)
{
    const uint32_t index = fixed(queue);

    if (instead && sse_queue_is_inserted(queue, instead)) {
        queue->bytes -= instead->wire->length;
        sse_event_unref(*slot(queue, index));
    } else {
        if (queue->count == (queue->ring ? queue->capacity : SSE_QUEUE_INLINE))
            grow(queue);
        queue->head--;
        queue->count++;
        for (uint32_t i = 0; i < index; i++)
            *slot(queue, i) = *slot(queue, i + 1);
    }
    *slot(queue, index) = sse_event_ref(event);
    queue->bytes += event->wire->length;
}

void sse_queue_take(struct sse_queue *queue, char *to, size_t length)
{
    assert(length <= queue->bytes);
    queue->bytes -= length;
    while (length > 0) {
        const struct bytes *wire = (*slot(queue, 0))->wire;
        const size_t left = wire->length - queue->offset;
        const size_t piece = length < left ? length : left;

        memcpy(to, wire->data + queue->offset, piece);
        to += piece;
        length -= piece;
        if (piece < left) {
            queue->offset += (uint32_t)piece;
        } else {
            sse_event_note_handed_over(*slot(queue, 0));
            pop_front(queue);
        }
    }
}

/* The oldest that may be dropped; the count: there is none. */
static uint32_t oldest(const struct sse_queue *queue)
{
    uint32_t index = fixed(queue);

    while (index < queue->count && event_at(queue, index)->is_kept)
        index++;
    return index;
}

uint64_t sse_queue_oldest_position(const struct sse_queue *queue)
{
    const uint32_t index = oldest(queue);

    return index < queue->count ? event_at(queue, index)->position : 0;
}

size_t sse_queue_drop_oldest(struct sse_queue *queue)
{
    uint32_t index = oldest(queue);
    struct sse_event *event;
    size_t size;

    if (index >= queue->count)
        return 0;
    event = *slot(queue, index);
    size = event->wire->length;
    for (; index > 0; index--)
        *slot(queue, index) = *slot(queue, index - 1);
    queue->head++;
    queue->count--;
    queue->bytes -= size;
    sse_event_unref(event);
    on_shrunk(queue);
    return size;
}

static bool is_droppable(const struct sse_event *event, const char *name, uint32_t name_hash)
{
    return !event->is_kept && event->name_hash == name_hash && strcmp(event->name, name) == 0;
}

size_t sse_queue_drop(struct sse_queue *queue, const char *name, uint32_t name_hash)
{
    uint32_t to = fixed(queue);
    size_t dropped = 0;

    for (uint32_t from = to; from < queue->count; from++) {
        struct sse_event *event = *slot(queue, from);

        if (name && !is_droppable(event, name, name_hash)) {
            *slot(queue, to++) = event;
            continue;
        }
        queue->bytes -= event->wire->length;
        sse_event_unref(event);
        dropped++;
    }
    queue->count = to;
    on_shrunk(queue);
    return dropped;
}

bool sse_queue_drop_newest(struct sse_queue *queue)
{
    struct sse_event *event;

    if (queue->count == 0 || (queue->count == 1 && queue->offset > 0))
        return false;
    event = *slot(queue, queue->count - 1);
    queue->count--;
    queue->bytes -= event->wire->length;
    sse_event_unref(event);
    on_shrunk(queue);
    return true;
}

uint64_t sse_queue_position(const struct sse_queue *queue)
{
    for (uint32_t i = 0; i < queue->count; i++) {
        if (event_at(queue, i)->position > 0)
            return event_at(queue, i)->position;
    }
    return 0;
}

void sse_queue_release(struct sse_queue *queue)
{
    while (queue->count > 0)
        pop_front(queue);
    queue->bytes = 0;
}
