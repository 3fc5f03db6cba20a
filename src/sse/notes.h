/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_NOTES_H
#define SSE_NOTES_H
/*
 * Positions that ids stand for to one user each. A bounded number, each for some time; the oldest
 * makes room. A user's notes say nothing to another who guesses an id.
 */
#include <stdbool.h>

#include "base/lru.h"

struct sse_notes {
    struct lru lru;
};

void sse_notes_init(struct sse_notes *notes, struct loop *loop, size_t most); /* 0: none are kept */
void sse_notes_change(struct sse_notes *notes, size_t most);
void sse_notes_release(struct sse_notes *notes);

/* Ids have no LF. An id that has a note for this user keeps that one. Times are loop ms. */
void sse_notes_add(struct sse_notes *notes, const char *id, const char *user_key, uint64_t position,
                   uint64_t now, uint64_t until);
bool sse_notes_find(struct sse_notes *notes, const char *id, const char *user_key, uint64_t now,
                    uint64_t *position);

#endif
