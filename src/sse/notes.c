/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/notes.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct note {
    struct lru_item item;
    uint64_t position;
    char key[]; /* id, LF, user */
};

void sse_notes_init(struct sse_notes *notes, struct loop *loop, size_t most)
{
    lru_init(&notes->lru, loop, LRU_BY_TEXT(struct note, item, key), most);
}

void sse_notes_change(struct sse_notes *notes, size_t most)
{
    notes->lru.most = most;
    lru_trim(&notes->lru);
}

void sse_notes_release(struct sse_notes *notes)
{
    lru_release(&notes->lru);
}

/* The caller frees it. */
static char *key_new(const char *id, const char *user_key)
{
    char *key = mem_alloc(strlen(id) + strlen(user_key) + 2);

    stpcpy(stpcpy(stpcpy(key, id), "\n"), user_key);
    return key;
}

void sse_notes_add(struct sse_notes *notes, const char *id, const char *user_key, uint64_t position,
                   uint64_t now, uint64_t until)
{
    char *key = key_new(id, user_key);
    struct note *note =
        lru_find(&notes->lru, key, now) ? NULL : lru_add(&notes->lru, key, now, until);

    if (note)
        note->position = position;
    free(key);
}

bool sse_notes_find(struct sse_notes *notes, const char *id, const char *user_key, uint64_t now,
                    uint64_t *position)
{
    char *key = key_new(id, user_key);
    const struct note *note = lru_find(&notes->lru, key, now);

    if (note)
        *position = note->position;
    free(key);
    return note != NULL;
}
