/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/notes.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct note {
    struct sse_table_node node;
    struct list order;
    uint64_t position, at;
    char key[]; /* id, LF, user */
};

void sse_notes_init(struct sse_notes *notes, size_t most)
{
    *notes = (struct sse_notes){.most = most};
    sse_table_init(&notes->table, SSE_TABLE_KEY_OFFSET(struct note, node, key));
    list_init(&notes->order);
}

void sse_notes_drop_oldest(struct sse_notes *notes)
{
    struct note *note = container_of(list_take_first(&notes->order), struct note, order);

    sse_table_remove(&notes->table, &note->node);
    free(note);
}

void sse_notes_release(struct sse_notes *notes)
{
    while (!list_is_empty(&notes->order))
        sse_notes_drop_oldest(notes);
    sse_table_release(&notes->table);
}

/* Not in the table yet. */
static struct note *note_new(const char *id, const char *user_id)
{
    struct note *note = mem_zalloc(sizeof(*note) + strlen(id) + strlen(user_id) + 2);

    stpcpy(stpcpy(stpcpy(note->key, id), "\n"), user_id);
    return note;
}

static struct note *find(const struct sse_notes *notes, const char *key)
{
    struct sse_table_node *node = sse_table_find(&notes->table, key);

    return node ? container_of(node, struct note, node) : NULL;
}

void sse_notes_add(struct sse_notes *notes, const char *id, const char *user_id, uint64_t position,
                   uint64_t at)
{
    struct note *note = note_new(id, user_id);

    if (notes->most == 0 || find(notes, note->key)) {
        free(note);
        return;
    }
    if (notes->table.count == notes->most)
        sse_notes_drop_oldest(notes);
    note->position = position;
    note->at = at;
    list_append(&notes->order, &note->order);
    sse_table_add(&notes->table, &note->node);
}

bool sse_notes_find(const struct sse_notes *notes, const char *id, const char *user_id,
                    uint64_t *position)
{
    struct note *sought = note_new(id, user_id);
    const struct note *note = find(notes, sought->key);

    free(sought);
    if (note)
        *position = note->position;
    return note != NULL;
}

bool sse_notes_oldest(const struct sse_notes *notes, uint64_t *at)
{
    if (list_is_empty(&notes->order))
        return false;
    *at = container_of(notes->order.next, struct note, order)->at;
    return true;
}
