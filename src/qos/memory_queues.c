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
    *queues = (struct qos_memory_queues){.key = BUF_INIT};
    table_init(&queues->values, TABLE_BY_TEXT(struct qos_memory_value, node, key));
}

void qos_memory_queues_release(struct qos_memory_queues *queues)
{
    assert(queues->values.count == 0);
    table_release(&queues->values);
    buf_release(&queues->key);
}

static const char *key_of(struct qos_memory_queues *queues, enum sse_dimension dimension,
                          const char *value)
{
    buf_clear(&queues->key);
    buf_append_char(&queues->key, letter_of(dimension));
    buf_append_str(&queues->key, value);
    return buf_str(&queues->key);
}

struct qos_memory_value *qos_memory_queues_value(struct qos_memory_queues *queues,
                                                 enum sse_dimension dimension, const char *value)
{
    return table_find(&queues->values, key_of(queues, dimension, value));
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

struct qos_memory_queue *qos_memory_queues_find(struct qos_memory_queues *queues,
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
        value =
            table_new_item(&queues->values, key_of(queues, recipient->dimension, recipient->value));
        list_init(&value->queues);
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
    table_remove(&queues->values, &value->node);
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
