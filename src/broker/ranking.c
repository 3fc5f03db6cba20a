/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/ranking.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "base/random.h"

struct entry {
    struct heap_node node;
    uint64_t chance; /* of a sample: the least are kept */
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

static bool is_less_likely(const struct heap_node *one, const struct heap_node *other)
{
    return entry_of(one)->chance > entry_of(other)->chance;
}

void ranking_init(struct ranking *ranking, const struct ranking_choice *choice)
{
    *ranking = (struct ranking){.choice = *choice};
    if (choice->is_sample) {
        random_bytes(&ranking->chance, sizeof(ranking->chance));
        ranking->chance |= 1;
    }
    heap_init(&ranking->last, choice->is_sample       ? is_less_likely
                              : choice->is_descending ? is_before
                                                      : is_behind);
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

/* Whether the first so many octets place the text before, or behind, the other, in the list. */
static int place(const struct ranking *ranking, const char *text, const char *other, size_t length)
{
    const int order = strncmp(text, other, length);

    return ranking->choice.is_descending ? -order : order;
}

bool ranking_may_take(const struct ranking *ranking, const char *beginning)
{
    if (ranking->count < ranking->choice.limit || ranking->choice.is_sample)
        return true;
    return ranking->choice.limit > 0 &&
           place(ranking, beginning, ranking_at(ranking, 0), strlen(beginning)) <= 0;
}

/* Xorshift: it has to be even and quick, and nobody gains by knowing it. */
static uint64_t draw(struct ranking *ranking)
{
    uint64_t chance = ranking->chance;

    chance ^= chance << 13;
    chance ^= chance >> 7;
    chance ^= chance << 17;
    ranking->chance = chance;
    return chance;
}

static bool takes(const struct ranking *ranking, const char *text, size_t size, uint64_t chance)
{
    const struct entry *last;

    if (ranking->count < ranking->choice.limit)
        return true;
    if (ranking->choice.limit == 0)
        return false;
    last = entry_of(ranking->last.nodes[0]);
    return ranking->choice.is_sample ? chance < last->chance
                                     : place(ranking, text, last->text, size) <= 0;
}

static void add(struct ranking *ranking, struct entry *entry)
{
    if (ranking->count == ranking->choice.limit) {
        struct heap_node *last = ranking->last.nodes[0];

        heap_remove(&ranking->last, last);
        free(entry_of(last));
        ranking->count--;
    }
    heap_add(&ranking->last, &entry->node);
    ranking->count++;
}

/* Counts it as well. */
static bool is_between(struct ranking *ranking, const char *text, size_t size)
{
    const char *after = ranking->choice.after, *until = ranking->choice.until;

    if (after && place(ranking, text, after, size) <= 0) {
        ranking->before++;
        return false;
    }
    if (until && place(ranking, text, until, size) > 0)
        return false;
    ranking->between++;
    return true;
}

void ranking_offer(struct ranking *ranking, const char *text)
{
    const size_t size = strlen(text) + 1;
    uint64_t chance;
    struct entry *entry;

    if (!is_between(ranking, text, size))
        return;
    chance = ranking->choice.is_sample ? draw(ranking) : 0;
    if (!takes(ranking, text, size, chance))
        return;
    entry = mem_alloc(sizeof(*entry) + size);
    entry->chance = chance;
    memcpy(entry->text, text, size);
    add(ranking, entry);
}

bool ranking_take(struct ranking *ranking, struct ranking *from)
{
    struct entry *entry;

    if (from->count == 0)
        return false;
    entry = entry_of(from->last.nodes[--from->count]);
    from->last.count = from->count;
    if (takes(ranking, entry->text, strlen(entry->text) + 1, entry->chance))
        add(ranking, entry);
    else
        free(entry);
    return true;
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
