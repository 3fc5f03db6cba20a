/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sequence.h"

#include <assert.h>

static struct sequence_item *item_of(struct list *node)
{
    return container_of(node, struct sequence_item, node);
}

void sequence_init(struct sequence *sequence)
{
    *sequence = (struct sequence){.next = 1};
    list_init(&sequence->held);
}

static void begin(struct sequence *sequence, const struct sequence_item *item)
{
    sequence->is_busy = true;
    sequence->next = item->number + 1;
}

/* Whether all is here that it comes after. */
static bool is_next(const struct sequence *sequence, const struct sequence_item *item)
{
    return item->number == sequence->next && (!item->other || item->after < item->other->next);
}

static void release(struct sequence *sequence, struct sequence_item *item)
{
    list_remove(&item->node);
    sequence->count--;
}

/* Where the item belongs: before the node that is returned. Most come in order. */
static struct list *place_of(struct sequence *sequence, uint64_t number)
{
    struct list *place = &sequence->held;

    while (place->prev != &sequence->held && item_of(place->prev)->number >= number)
        place = place->prev;
    return place;
}

enum sequence_turn sequence_enter(struct sequence *sequence, struct sequence_item *item,
                                  size_t most, struct sequence_item **replaced)
{
    struct list *place;

    *replaced = NULL;
    if (item->number < sequence->next)
        return SEQUENCE_LATE;
    if (is_next(sequence, item) && !sequence->is_busy) {
        begin(sequence, item);
        return SEQUENCE_NOW;
    }
    place = place_of(sequence, item->number);
    if (place != &sequence->held && item_of(place)->number == item->number) {
        *replaced = item_of(place);
        place = place->next;
        release(sequence, *replaced);
    }
    if (sequence->count >= most)
        return SEQUENCE_FULL;
    list_insert_before(place, &item->node);
    sequence->count++;
    return SEQUENCE_HELD;
}

void sequence_end(struct sequence *sequence)
{
    assert(sequence->is_busy);
    sequence->is_busy = false;
}

static struct sequence_item *first(const struct sequence *sequence)
{
    return sequence->count > 0 ? item_of(sequence->held.next) : NULL;
}

/* Who waits no longer lets go those before it, too, though they came after it. */
static uint64_t soonest(const struct sequence *sequence)
{
    uint64_t until = SEQUENCE_NEVER;

    list_for_each(node, &sequence->held) {
        if (item_of(node)->until < until)
            until = item_of(node)->until;
    }
    return until;
}

struct sequence_item *sequence_take(struct sequence *sequence, uint64_t now_ms)
{
    struct sequence_item *item = first(sequence);

    if (!item || sequence->is_busy)
        return NULL;
    if (!is_next(sequence, item) && soonest(sequence) > now_ms)
        return NULL;
    release(sequence, item);
    begin(sequence, item);
    return item;
}

uint64_t sequence_due(const struct sequence *sequence)
{
    return sequence->is_busy ? SEQUENCE_NEVER : soonest(sequence);
}

struct sequence_item *sequence_drop_any(struct sequence *sequence)
{
    struct sequence_item *item = sequence->count > 0 ? item_of(sequence->held.prev) : NULL;

    if (item)
        release(sequence, item);
    return item;
}

struct sequence_item *sequence_drop(struct sequence *sequence)
{
    /* No number is held twice: the last one says whether all before it are here. */
    if (sequence->count == 0 ||
        item_of(sequence->held.prev)->number == sequence->next + sequence->count - 1)
        return NULL;
    return sequence_drop_any(sequence);
}
