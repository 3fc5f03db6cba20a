/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "sse/message.h"

struct broker_batch *broker_batch_new(size_t count)
{
    struct broker_batch *batch = mem_zalloc(sizeof(*batch) + count * sizeof(batch->items[0]));

    atomic_init(&batch->refs, 1);
    batch->count = count;
    return batch;
}

struct broker_batch *broker_batch_ref(struct broker_batch *batch)
{
    atomic_fetch_add_explicit(&batch->refs, 1, memory_order_relaxed);
    return batch;
}

static void item_release(struct broker_item *item)
{
    sse_message_unref(item->message);
    sse_command_unref(item->command);
    free(item->stored_as.json);
}

struct broker_batch *broker_batch_unref(struct broker_batch *batch)
{
    if (!batch || atomic_fetch_sub_explicit(&batch->refs, 1, memory_order_acq_rel) != 1)
        return NULL;
    for (size_t i = 0; i < batch->count; i++)
        item_release(&batch->items[i]);
    free(batch);
    return NULL;
}

const struct sse_target *broker_item_target(const struct broker_item *item)
{
    return item->message ? &item->message->target : &item->command->target;
}

size_t broker_item_values(const struct broker_item *item)
{
    return sse_target_size(broker_item_target(item));
}

size_t broker_batch_bytes(const struct broker_batch *batch)
{
    size_t bytes = batch->count * sizeof(batch->items[0]);

    for (size_t i = 0; i < batch->count; i++) {
        const struct broker_item *item = &batch->items[i];

        if (item->message)
            bytes += sizeof(*item->message) + item->message->wire->length +
                     sse_target_bytes(&item->message->target);
        else
            bytes += sse_command_bytes(item->command);
    }
    return bytes;
}

static void add_reached(struct broker_result *result, size_t values,
                        const struct broker_result *other)
{
    if (!other->reached)
        return;
    if (!result->reached) {
        result->reached = mem_zalloc(values * sizeof(uint32_t));
        result->acknowledging = mem_zalloc(values * sizeof(uint32_t));
    }
    for (size_t i = 0; i < values; i++) {
        result->reached[i] += other->reached[i];
        result->acknowledging[i] += other->acknowledging[i];
    }
}

/* Of the lines as many as are asked for. */
static void add_shown(struct broker_result *result, uint32_t most,
                      const struct broker_result *other)
{
    const char *line = other->shown;
    struct buf shown = BUF_INIT;

    if (!line)
        return;
    if (result->shown)
        buf_append_str(&shown, result->shown);
    for (; *line && result->shown_count < most; result->shown_count++) {
        const size_t length = strcspn(line, "\n") + 1;

        buf_append(&shown, line, length);
        line += length;
    }
    free(result->shown);
    result->shown = buf_detach(&shown);
}

void broker_result_add(struct broker_result *result, const struct broker_item *item,
                       const struct broker_result *other)
{
    result->count += other->count;
    add_reached(result, broker_item_values(item), other);
    add_shown(result, item->shown_most, other);
}

void broker_results_release(struct broker_result *results, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(results[i].reached);
        free(results[i].acknowledging);
        free(results[i].shown);
    }
}
