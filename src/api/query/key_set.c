/* SPDX-License-Identifier: Apache-2.0 */
#include "api/query/key_set.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sse/registry.h"

struct key {
    struct table_node node;
    char text[];
};

void key_set_init(struct key_set *set)
{
    set->leaving = NULL;
    table_init(&set->table, TABLE_BY_TEXT(struct key, node, text));
}

/* Frees one more key; false after the last. */
static bool shed(struct key_set *set)
{
    struct key *key = set->leaving ? set->leaving : table_next(&set->table, NULL);

    if (key) {
        set->leaving = table_next(&set->table, key);
        free(key);
    }
    if (set->leaving)
        return true;
    table_release(&set->table);
    return false;
}

void key_set_release(struct key_set *set)
{
    while (shed(set))
        continue;
}

void key_set_add(struct key_set *set, const char *text)
{
    if (*text != '\0' && !table_find(&set->table, text))
        (void)table_new_item(&set->table, text);
}

void key_set_add_channels(struct key_set *set, const struct sse_connection *connection)
{
    const size_t count = sse_registry_name_count(connection, SSE_GROUP_CHANNEL);

    for (size_t i = 0; i < count; i++)
        key_set_add(set, sse_registry_name(connection, SSE_GROUP_CHANNEL, i));
}

size_t key_set_count(const struct key_set *set)
{
    return set->table.count;
}

const char *key_set_next(const struct key_set *set, struct key_cursor *cursor)
{
    const struct key *key = table_next(&set->table, cursor->key);

    cursor->key = key;
    return key ? key->text : NULL;
}

static bool union_step(struct slices *slices)
{
    struct key_union *join = container_of(slices, struct key_union, slices);
    const char *key;

    if (join->index >= join->count)
        return false;
    key = key_set_next(join->sets[join->index], &join->cursor);
    if (key)
        key_set_add(join->sets[0], key);
    else
        join->index++; /* the cursor is at the beginning again */
    return true;
}

static void union_done(struct slices *slices)
{
    struct key_union *join = container_of(slices, struct key_union, slices);

    join->done(join);
}

void key_union_start(struct loop *loop, struct key_union *join, struct key_set **sets, size_t count)
{
    join->slices.step = union_step;
    join->slices.done = union_done;
    join->sets = sets;
    join->count = count;
    join->index = 1;
    join->cursor.key = NULL;
    slices_start(loop, &join->slices);
}

static bool release_step(struct slices *slices)
{
    struct key_union *join = container_of(slices, struct key_union, slices);

    if (join->index == join->count)
        return false;
    if (!shed(join->sets[join->index]))
        join->index++;
    return true;
}

void key_union_release(struct loop *loop, struct key_union *join)
{
    join->slices.step = release_step;
    join->slices.done = union_done;
    join->index = 0;
    slices_start(loop, &join->slices);
}
