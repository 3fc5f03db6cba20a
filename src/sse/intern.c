/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/intern.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sse/table.h"

struct entry {
    struct sse_table_node node;
    unsigned refs;
    char text[];
};

struct sse_intern {
    struct sse_table table;
};

struct sse_intern *sse_intern_new(void)
{
    struct sse_intern *intern = mem_zalloc(sizeof(*intern));

    sse_table_init(&intern->table, SSE_TABLE_KEY_OFFSET(struct entry, node, text));
    return intern;
}

void sse_intern_free(struct sse_intern *intern)
{
    if (!intern)
        return;
    assert(intern->table.count == 0);
    sse_table_release(&intern->table);
    free(intern);
}

const char *sse_intern_take(struct sse_intern *intern, const char *text)
{
    struct sse_table_node *node;
    struct entry *entry;

    if (text[0] == '\0')
        return "";
    node = sse_table_find(&intern->table, text);
    if (node) {
        entry = container_of(node, struct entry, node);
    } else {
        const size_t size = strlen(text) + 1;

        entry = mem_alloc(sizeof(*entry) + size);
        entry->refs = 0;
        memcpy(entry->text, text, size);
        sse_table_add(&intern->table, &entry->node);
    }
    entry->refs++;
    return entry->text;
}

void sse_intern_drop(struct sse_intern *intern, const char *text)
{
    struct entry *entry;

    if (text[0] == '\0')
        return;
    entry = (struct entry *)(void *)((char *)(uintptr_t)text - offsetof(struct entry, text));
    if (--entry->refs > 0)
        return;
    sse_table_remove(&intern->table, &entry->node);
    free(entry);
}

size_t sse_intern_count(const struct sse_intern *intern)
{
    return intern->table.count;
}
