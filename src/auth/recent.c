/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/recent.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct entry {
    struct sse_table_node node;
    struct list place; /* in recent->used */
    uint64_t used_at;  /* loop ms */
    int number;
    char name[];
};

static void forget_first(struct auth_recent *recent)
{
    struct entry *entry = container_of(list_take_first(&recent->used), struct entry, place);

    sse_table_remove(&recent->table, &entry->node);
    free(entry);
}

static uint64_t end_first(struct age_timer *age, uint64_t now_ms)
{
    struct auth_recent *recent = container_of(age, struct auth_recent, age);
    const struct entry *first = container_of(recent->used.next, struct entry, place);

    if (list_is_empty(&recent->used))
        return AGE_TIMER_NEVER;
    if (now_ms - first->used_at < recent->kept_ms)
        return first->used_at + recent->kept_ms;
    forget_first(recent);
    return 0;
}

void auth_recent_init(struct auth_recent *recent, struct loop *loop, size_t most, uint64_t kept_ms)
{
    *recent = (struct auth_recent){.most = most, .kept_ms = kept_ms};
    sse_table_init(&recent->table, SSE_TABLE_KEY_OFFSET(struct entry, node, name));
    list_init(&recent->used);
    age_timer_init(&recent->age, loop, end_first);
}

void auth_recent_release(struct auth_recent *recent)
{
    while (!list_is_empty(&recent->used))
        forget_first(recent);
    age_timer_release(&recent->age);
    sse_table_release(&recent->table);
}

static void use(struct auth_recent *recent, struct entry *entry, uint64_t now_ms)
{
    entry->used_at = now_ms;
    list_remove(&entry->place);
    list_append(&recent->used, &entry->place);
    age_timer_add(&recent->age, now_ms + recent->kept_ms);
}

int auth_recent_find(struct auth_recent *recent, const char *name, uint64_t now_ms)
{
    struct sse_table_node *node;
    struct entry *entry;

    age_timer_end_due(&recent->age, now_ms);
    node = sse_table_find(&recent->table, name);
    if (!node)
        return -1;
    entry = container_of(node, struct entry, node);
    use(recent, entry, now_ms);
    return entry->number;
}

void auth_recent_add(struct auth_recent *recent, const char *name, int number, uint64_t now_ms)
{
    const size_t size = strlen(name) + 1;
    struct entry *entry;

    if (recent->most == 0)
        return;
    if (recent->table.count >= recent->most) {
        recent->displaced++;
        forget_first(recent);
    }
    entry = mem_zalloc(sizeof(*entry) + size);
    entry->number = number;
    memcpy(entry->name, name, size);
    sse_table_add(&recent->table, &entry->node);
    use(recent, entry, now_ms);
}

size_t auth_recent_count(const struct auth_recent *recent)
{
    return recent->table.count;
}
