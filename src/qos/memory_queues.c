/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/memory_queues.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* No zero byte, whatever the dimension. */
static char letter_of(enum sse_dimension dimension)
{
    return (char)('A' + (int)dimension);
}

void qos_memory_queues_init(struct qos_memory_queues *queues)
{
    sse_table_init(&queues->values, SSE_TABLE_KEY_OFFSET(struct qos_memory_value, node, key));
}

void qos_memory_queues_release(struct qos_memory_queues *queues)
{
    assert(queues->values.count == 0);
    sse_table_release(&queues->values);
}

static struct qos_memory_value *new_value(enum sse_dimension dimension, const char *text)
{
    const size_t length = strlen(text);
    struct qos_memory_value *value = mem_zalloc(sizeof(*value) + 1 + length + 1);

    value->key[0] = letter_of(dimension);
    memcpy(value->key + 1, text, length + 1);
    list_init(&value->queues);
    return value;
}

struct qos_memory_value *qos_memory_queues_value(const struct qos_memory_queues *queues,
                                                 enum sse_dimension dimension, const char *value)
{
    struct qos_memory_value *probe = new_value(dimension, value);
    struct sse_table_node *node = sse_table_find(&queues->values, probe->key);

    free(probe);
    return node ? container_of(node, struct qos_memory_value, node) : NULL;
}

static struct qos_memory_queue *find_in_value(const struct qos_memory_value *value,
                                              const char *listening)
{
    list_for_each(link, &value->queues) {
        struct qos_memory_queue *queue = container_of(link, struct qos_memory_queue, link);

        if (strcmp(queue->listening, listening) == 0)
            return queue;
    }
    return NULL;
}

struct qos_memory_queue *qos_memory_queues_find(const struct qos_memory_queues *queues,
                                                const struct qos_recipient *recipient)
{
    const struct qos_memory_value *value =
        qos_memory_queues_value(queues, recipient->dimension, recipient->value);

    return value ? find_in_value(value, recipient->listening) : NULL;
}

struct qos_memory_queue *qos_memory_queues_ref(struct qos_memory_queues *queues,
                                               const struct qos_recipient *recipient)
{
    struct qos_memory_value *value =
        qos_memory_queues_value(queues, recipient->dimension, recipient->value);
    struct qos_memory_queue *queue = value ? find_in_value(value, recipient->listening) : NULL;

    if (!value) {
        value = new_value(recipient->dimension, recipient->value);
        sse_table_add(&queues->values, &value->node);
    }
    if (!queue) {
        const size_t size = strlen(recipient->listening) + 1;

        queue = mem_zalloc(sizeof(*queue) + size);
        memcpy(queue->listening, recipient->listening, size);
        queue->value = value;
        list_append(&value->queues, &queue->link);
    }
    queue->refs++;
    return queue;
}

void qos_memory_queues_unref(struct qos_memory_queues *queues, struct qos_memory_queue *queue)
{
    struct qos_memory_value *value = queue->value;

    if (--queue->refs > 0)
        return;
    list_remove(&queue->link);
    free(queue);
    if (!list_is_empty(&value->queues))
        return;
    sse_table_remove(&queues->values, &value->node);
    free(value);
}

struct qos_recipient qos_memory_queue_recipient(const struct qos_memory_queue *queue)
{
    return (struct qos_recipient){
        .dimension = (enum sse_dimension)(queue->value->key[0] - 'A'),
        .value = queue->value->key + 1,
        .listening = queue->listening,
    };
}
