/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_NOTES_H
#define SSE_NOTES_H
/*
 * Positions that ids stand for to one user each. A bounded number; the oldest makes room. A user's
 * notes say nothing to another who guesses an id.
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

/* Ids have no LF. An id that has a note for this user keeps that one. */
void sse_notes_add(struct sse_notes *notes, const char *id, const char *user_id, uint64_t position);
bool sse_notes_find(const struct sse_notes *notes, const char *id, const char *user_id,
                    uint64_t *position);

#endif
