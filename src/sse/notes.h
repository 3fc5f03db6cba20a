/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_NOTES_H
#define SSE_NOTES_H
/*
 * Positions that ids stand for to one user each. A bounded number; the oldest makes room, and its
 * owner ends what is too old. A user's notes say nothing to another who guesses an id.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "sse/table.h"

struct sse_notes {
    struct sse_table table;
    struct list order; /* the oldest first */
    size_t most;
};

void sse_notes_init(struct sse_notes *notes, size_t most); /* 0: none are kept */
void sse_notes_release(struct sse_notes *notes);

/* Ids have no LF. An id that has a note for this user keeps that one. at: ms of any clock. */
void sse_notes_add(struct sse_notes *notes, const char *id, const char *user_id, uint64_t position,
                   uint64_t at);
bool sse_notes_find(const struct sse_notes *notes, const char *id, const char *user_id,
                    uint64_t *position);

/* When the oldest was added, unless there is none. */
bool sse_notes_oldest(const struct sse_notes *notes, uint64_t *at);
void sse_notes_drop_oldest(struct sse_notes *notes);

#endif
