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
static size_t size_of(const char *text)
{
    const size_t size = offsetof(struct text, text) + strlen(text) + 1;

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

void texts_add(struct texts *texts, const char *text)
{
    const size_t size = size_of(text);
    struct text *added;

    if (*text == '\0' || table_find(&texts->table, text))
        return;
    if (!texts->last || texts->last->size - texts->last->used < size)
        add_block(texts, size);
    added = text_at(texts->last, texts->last->used);
    texts->last->used += size;
    memcpy(added->text, text, strlen(text) + 1);
    table_add(&texts->table, &added->node);
}

bool texts_adopt(struct texts *texts, struct text *text)
{
    if (table_find(&texts->table, text->text))
        return false;
    table_add(&texts->table, &text->node);
    return true;
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
    cursor->at += size_of(text->text);
    return text;
}

/* ---- the first so many ---- */

struct entry {
    struct heap_node node;
    char text[];
};

static struct entry *entry_of(const struct heap_node *node)
{
    return container_of(node, struct entry, node);
}

static bool is_behind(const struct heap_node *one, const struct heap_node *other)
{
    return strcmp(entry_of(one)->text, entry_of(other)->text) > 0;
}

static bool is_before(const struct heap_node *one, const struct heap_node *other)
{
    return is_behind(other, one);
}

void ranking_init(struct ranking *ranking, size_t limit, bool is_descending)
{
    *ranking = (struct ranking){.limit = limit, .is_descending = is_descending};
    heap_init(&ranking->last, is_descending ? is_before : is_behind);
}

bool ranking_shed(struct ranking *ranking)
{
    if (ranking->count == 0)
        return false;
    free(entry_of(ranking->last.nodes[--ranking->count]));
    return true;
}

void ranking_release(struct ranking *ranking)
{
    while (ranking_shed(ranking))
        continue;
    heap_release(&ranking->last);
}

const char *ranking_at(const struct ranking *ranking, size_t index)
{
    return entry_of(ranking->last.nodes[index])->text;
}

static void drop(struct ranking *ranking, struct heap_node *node)
{
    heap_remove(&ranking->last, node);
    free(entry_of(node));
    ranking->count--;
}

/* Whether there is room, or the first length octets do not place the text behind all of those kept.
 */
static bool takes(const struct ranking *ranking, const char *text, size_t length)
{
    int order;

    if (ranking->count < ranking->limit)
        return true;
    if (ranking->limit == 0)
        return false;
    order = strncmp(text, entry_of(ranking->last.nodes[0])->text, length);
    return ranking->is_descending ? order >= 0 : order <= 0;
}

bool ranking_may_take(const struct ranking *ranking, const char *beginning)
{
    return takes(ranking, beginning, strlen(beginning));
}

void ranking_offer(struct ranking *ranking, const char *text)
{
    const size_t size = strlen(text) + 1;
    struct entry *entry;

    if (!takes(ranking, text, size))
        return;
    if (ranking->count == ranking->limit)
        drop(ranking, ranking->last.nodes[0]);
    entry = mem_alloc(sizeof(*entry) + size);
    memcpy(entry->text, text, size);
    heap_add(&ranking->last, &entry->node);
    ranking->count++;
}

bool ranking_sort_step(struct ranking *ranking)
{
    struct heap_node *last = heap_first(&ranking->last);

    if (ranking->last.count <= 1)
        return false;
    heap_remove(&ranking->last, last);
    ranking->last.nodes[ranking->last.count] = last;
    return ranking->last.count > 1;
}
