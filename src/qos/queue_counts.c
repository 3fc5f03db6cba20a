/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/queue_counts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define LENGTH_TEXT 24u /* a dimension, the length of a text, and a colon */

struct queue_count {
    struct sse_table_node node;
    struct list link;
    uint64_t count;
    char key[]; /* the texts one behind the other, and before them where the first one ends */
};

void qos_queue_counts_init(struct qos_queue_counts *counts, size_t most)
{
    sse_table_init(&counts->table, SSE_TABLE_KEY_OFFSET(struct queue_count, node, key));
    list_init(&counts->recent);
    counts->most = most;
}

static struct queue_count *new_count(const struct qos_recipient *recipient)
{
    const size_t value = strlen(recipient->value);
    const size_t size = LENGTH_TEXT + value + strlen(recipient->listening) + 1;
    struct queue_count *entry = mem_zalloc(sizeof(*entry) + size);

    snprintf(entry->key, size, "%d:%zu:%s%s", (int)recipient->dimension, value, recipient->value,
             recipient->listening);
    return entry;
}

static struct queue_count *find(struct qos_queue_counts *counts,
                                const struct qos_recipient *recipient)
{
    struct queue_count *probe = new_count(recipient);
    struct sse_table_node *node = sse_table_find(&counts->table, probe->key);

    free(probe);
    return node ? container_of(node, struct queue_count, node) : NULL;
}

static void drop(struct qos_queue_counts *counts, struct queue_count *entry)
{
    sse_table_remove(&counts->table, &entry->node);
    list_remove(&entry->link);
    free(entry);
}

bool qos_queue_counts_find(struct qos_queue_counts *counts, const struct qos_recipient *recipient,
                           uint64_t *count)
{
    struct queue_count *entry = find(counts, recipient);

    if (!entry)
        return false;
    list_remove(&entry->link);
    list_prepend(&counts->recent, &entry->link);
    *count = entry->count;
    return true;
}

void qos_queue_counts_add(struct qos_queue_counts *counts, const struct qos_recipient *recipient,
                          uint64_t count)
{
    struct queue_count *entry = new_count(recipient);

    if (counts->table.count >= counts->most)
        drop(counts, container_of(counts->recent.prev, struct queue_count, link));
    entry->count = count;
    sse_table_add(&counts->table, &entry->node);
    list_prepend(&counts->recent, &entry->link);
}

void qos_queue_counts_change(struct qos_queue_counts *counts, const struct qos_recipient *recipient,
                             int by)
{
    struct queue_count *entry = find(counts, recipient);

    if (entry)
        entry->count += (uint64_t)by;
}

void qos_queue_counts_forget(struct qos_queue_counts *counts)
{
    list_for_each_safe(link, after, &counts->recent)
        drop(counts, container_of(link, struct queue_count, link));
}

void qos_queue_counts_release(struct qos_queue_counts *counts)
{
    qos_queue_counts_forget(counts);
    sse_table_release(&counts->table);
}
