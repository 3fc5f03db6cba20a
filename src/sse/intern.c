/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/intern.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/table.h"

struct entry {
    struct table_node node;
    unsigned refs;
    char text[];
};

struct sse_intern {
    struct table table;
};

struct sse_intern *sse_intern_new(void)
{
    struct sse_intern *intern = mem_zalloc(sizeof(*intern));

    table_init(&intern->table, TABLE_BY_TEXT(struct entry, node, text));
    return intern;
}

void sse_intern_free(struct sse_intern *intern)
{
    if (!intern)
        return;
    assert(intern->table.count == 0);
    table_release(&intern->table);
    free(intern);
}

const char *sse_intern_take(struct sse_intern *intern, const char *text)
{
    struct entry *entry;

    if (text[0] == '\0')
        return "";
    entry = table_find(&intern->table, text);
    if (!entry)
        entry = table_new_item(&intern->table, text);
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
    table_remove(&intern->table, &entry->node);
    free(entry);
}

size_t sse_intern_count(const struct sse_intern *intern)
{
    return intern->table.count;
}
