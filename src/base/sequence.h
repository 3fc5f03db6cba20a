/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_SEQUENCE_H
#define BASE_SEQUENCE_H
/*
 * Numbered items that come in any order and begin in the order of their numbers, one at a time:
 * the next begins when the one before has ended. An early item waits for missing ones, but not
 * longer than its own time. It has no clock of its own; the items are the caller's.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

#define SEQUENCE_NEVER UINT64_MAX

struct sequence {
    struct list held; /* items, the lowest number first; no number twice */
    size_t count;     /* of these */
    uint64_t next;    /* the number whose turn it is, from 1 */
    bool is_busy;     /* an item has begun, and has not ended */
};

struct sequence_item {
    struct list node;
    uint64_t number;
    const struct sequence *other; /* NULL, or what has to have come */
    uint64_t after;               /* as far as this number before it begins */
    uint64_t until;               /* ms: it waits for what is missing no longer */
};

enum sequence_turn {
    SEQUENCE_NOW,  /* it begins: sequence_end() must follow */
    SEQUENCE_LATE, /* its turn has passed, and it has none */
    SEQUENCE_HELD, /* sequence_take() or sequence_drop() gives it back */
    SEQUENCE_FULL, /* as many are held as may be */
};

void sequence_init(struct sequence *sequence);

/* *replaced is a held item of the same number, which is held no more; NULL: there was none. */
enum sequence_turn sequence_enter(struct sequence *sequence, struct sequence_item *item,
                                  size_t most, struct sequence_item **replaced);

/* The item that had begun has ended. */
void sequence_end(struct sequence *sequence);

/* The held item that begins now, as with SEQUENCE_NOW; NULL: none does. */
struct sequence_item *sequence_take(struct sequence *sequence, uint64_t now_ms);

/* When one begins though a number before it is missing; SEQUENCE_NEVER while none waits for that.
 */
uint64_t sequence_due(const struct sequence *sequence);

/* Nothing more comes: a held item that will not begin for that, the last first; NULL: none. */
struct sequence_item *sequence_drop(struct sequence *sequence);
/* Any held item; NULL: none. */
struct sequence_item *sequence_drop_any(struct sequence *sequence);

#endif
