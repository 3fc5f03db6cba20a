/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSE_LOST_H
#define SSE_LOST_H
/*
 * Whom the events were for that a history does not keep any more: of each value of a target the
 * last such position, so that a page which has missed none of them is told of no gap. By hash in a
 * table of one size: where several share a place they may be told of a gap where there is none,
 * never the other way round.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"

struct sse_subject;
struct sse_target;

struct sse_lost {
    struct hash_key key;
    uint64_t *positions; /* each with a tag; NULL while there are none */
    size_t size;         /* a power of two */
    uint64_t to_all;     /* the last position that was for everybody; 0: none */
};

void sse_lost_init(struct sse_lost *lost, size_t events); /* about as many are kept */
void sse_lost_release(struct sse_lost *lost);

/* Positions come in order. */
void sse_lost_add(struct sse_lost *lost, const struct sse_target *target, uint64_t position);
/* Whether one behind this position may have been for the subject, were it to listen to all. */
bool sse_lost_since(const struct sse_lost *lost, const struct sse_subject *subject,
                    uint64_t position);

#endif
