/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/queue_counts.h"

#include <string.h>

struct queue_count {
    struct lru_item item;
    uint64_t count;
    char key[]; /* the texts one behind the other, and before them where the first one ends */
};

void qos_queue_counts_init(struct qos_queue_counts *counts, size_t most)
{
    *counts = (struct qos_queue_counts){.key = BUF_INIT};
    lru_init(&counts->lru, NULL, LRU_BY_TEXT(struct queue_count, item, key), most);
}

static const char *key_of(struct qos_queue_counts *counts, const struct qos_recipient *recipient)
{
    buf_clear(&counts->key);
    buf_printf(&counts->key, "%d:%zu:%s%s", (int)recipient->dimension, strlen(recipient->value),
               recipient->value, recipient->listening);
    return buf_str(&counts->key);
}

static struct queue_count *find(struct qos_queue_counts *counts,
                                const struct qos_recipient *recipient)
{
    return lru_find(&counts->lru, key_of(counts, recipient), 0);
}

bool qos_queue_counts_find(struct qos_queue_counts *counts, const struct qos_recipient *recipient,
                           uint64_t *count)
{
    struct queue_count *entry = find(counts, recipient);

    if (!entry)
        return false;
    lru_use(&counts->lru, &entry->item, LRU_NEVER);
    *count = entry->count;
    return true;
}

void qos_queue_counts_add(struct qos_queue_counts *counts, const struct qos_recipient *recipient,
                          uint64_t count)
{
    struct queue_count *entry = lru_add(&counts->lru, key_of(counts, recipient), 0, LRU_NEVER);

    entry->count = count;
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
    lru_clear(&counts->lru);
}

void qos_queue_counts_release(struct qos_queue_counts *counts)
{
    lru_release(&counts->lru);
    buf_release(&counts->key);
}
