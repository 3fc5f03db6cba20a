/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/texts.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"

#define FIRST_BLOCK ((size_t)1024)
#define MOST_BLOCK  ((size_t)64 * 1024) /* but for a longer text */

struct text_block {
    struct text_block *next;
    size_t size, used;
    _Alignas(struct text) char texts[];
};

void texts_init(struct texts *texts)
{
    *texts = (struct texts){.first = NULL};
    table_init(&texts->table, TABLE_BY_TEXT(struct text, node, text));
}

bool texts_shed(struct texts *texts)
{
    struct text_block *block = texts->first;

    if (!block)
        return false;
    texts->first = block->next;
    free(block);
    return true;
}

void texts_release(struct texts *texts)
{
    table_release(&texts->table);
    while (texts_shed(texts))
        continue;
}

/* With the one behind it in its place. */
static size_t size_of(const char *text, const char *name)
{
    const size_t size = offsetof(struct text, text) + strlen(text) + strlen(name) + 2;

    return (size + _Alignof(struct text) - 1) & ~(_Alignof(struct text) - 1);
}

static void add_block(struct texts *texts, size_t least)
{
    size_t size = texts->last ? texts->last->size * 2 : FIRST_BLOCK;
    struct text_block *block;

    size = size < MOST_BLOCK ? size : MOST_BLOCK;
    size = size > least ? size : least;
    block = mem_alloc(sizeof(*block) + size);
    *block = (struct text_block){.size = size};
    if (texts->last)
        texts->last->next = block;
    else
        texts->first = block;
    texts->last = block;
}

static struct text *text_at(struct text_block *block, size_t at)
{
    return (struct text *)(void *)(block->texts + at);
}

const char *text_name(const struct text *text)
{
    return text->text + strlen(text->text) + 1;
}

static void count(struct text *text, uint32_t count)
{
    text->count = (text->count + count) & INT32_MAX;
}

static struct text *add(struct texts *texts, const char *text, const char *name)
{
    const size_t size = size_of(text, name), length = strlen(text) + 1;
    struct text *added;

    if (!texts->last || texts->last->size - texts->last->used < size)
        add_block(texts, size);
    added = text_at(texts->last, texts->last->used);
    texts->last->used += size;
    *added = (struct text){.count = 0};
    memcpy(added->text, text, length);
    memcpy(added->text + length, name, strlen(name) + 1);
    table_add(&texts->table, &added->node);
    return added;
}

void texts_add(struct texts *texts, const char *text, const char *name, uint32_t times)
{
    struct text *found;

    if (*text == '\0')
        return;
    found = table_find(&texts->table, text);
    count(found ? found : add(texts, text, name), times);
}

void texts_adopt(struct texts *texts, struct text *text)
{
    struct text *found = table_find(&texts->table, text->text);

    if (!found) {
        table_add(&texts->table, &text->node);
        return;
    }
    count(found, text->count);
    text->is_double = true;
}

struct text *texts_next(const struct texts *texts, struct text_cursor *cursor)
{
    struct text *text;

    if (!cursor->block)
        cursor->block = texts->first;
    else if (cursor->at == cursor->block->used && cursor->block->next)
        *cursor = (struct text_cursor){.block = cursor->block->next};
    if (!cursor->block || cursor->at == cursor->block->used)
        return NULL;
    text = text_at(cursor->block, cursor->at);
    cursor->at += size_of(text->text, text_name(text));
    return text;
}
