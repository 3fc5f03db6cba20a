/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config_merge.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "server/config.h"
#include "server/config_keys.h"
#include "server/config_source.h"
#include "server/config_value.h"

#define MOST_ITEMS 64u

static void add(struct buf *names, const char *name)
{
    if (names->length > 0)
        buf_append_str(names, ", ");
    buf_append_str(names, name);
}

/* Where an item is: its number, and that of the item that has its list, where it lies in one. */
struct place {
    size_t index, outer;
};

/* "listeners[].certificates[].key" to "listeners[0].certificates[2].key". */
static void add_key(struct buf *names, const char *key, const struct config_list *list,
                    struct place place)
{
    size_t numbers[] = {place.index, place.index};
    struct buf name = BUF_INIT;
    size_t count = 0;

    if (list && list->within)
        numbers[0] = place.outer;
    for (const char *c = key; *c; c++) {
        buf_append_char(&name, *c);
        if (*c == '[' && count < sizeof(numbers) / sizeof(numbers[0]))
            buf_printf(&name, "%zu", numbers[count++]);
    }
    add(names, buf_str(&name));
    buf_release(&name);
}

static bool has_value(const struct config_key *key)
{
    return key->fallback && !key->is_shorthand;
}

static void merge_owner(void *next, const void *now, const struct config_list *list,
                        struct place place, struct config_changes *changes);

/* A list that is taken as it is; by its numbers where there are as many as before. */
static void merge_items(void *next, const void *now, const struct config_key *head,
                        struct place place, struct config_changes *changes)
{
    const struct config_list *list = head->list;
    void *before = (void *)(uintptr_t)now; /* is not changed */
    const size_t count = config_list_count(next, list);

    if (count != config_list_count(now, list)) {
        add_key(&changes->changed, head->name, list, (struct place){place.index, place.index});
        return;
    }
    for (size_t i = 0; i < count; i++)
        merge_owner(config_list_item(next, list, i), config_list_item(before, list, i), list,
                    (struct place){i, place.index}, changes);
}

static void merge_key(const struct config_key *key, void *next, const void *now, struct place place,
                      struct config_changes *changes)
{
    if (config_value_is_equal(key, next, now))
        return;
    if (key->change == CONFIG_DYNAMIC) {
        add_key(&changes->changed, key->name, key->list, place);
    } else {
        add_key(&changes->kept, key->name, key->list, place);
        config_value_copy(key, next, now);
    }
}

/* All rows that lie in an item of list, or (NULL) in struct config itself. */
static void merge_owner(void *next, const void *now, const struct config_list *list,
                        struct place place, struct config_changes *changes)
{
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];

        if (key->type == CONFIG_LIST && list && key->list->within == list)
            merge_items(next, now, key, place, changes);
        else if (key->list == list && has_value(key))
            merge_key(key, next, now, place, changes);
    }
}

/* Into memory that holds nothing yet. */
static void copy_item(void *item, const void *from, const struct config_list *list)
{
    void *other = (void *)(uintptr_t)from; /* is not changed */

    memcpy(item, from, list->item_size);
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];

        if (key->type == CONFIG_LIST && key->list->within == list) {
            for (size_t inner = 0; inner < config_list_count(from, key->list); inner++)
                copy_item(config_list_item(item, key->list, inner),
                          config_list_item(other, key->list, inner), key->list);
        } else if (key->list == list && has_value(key) && config_key_is_text(key)) {
            memset((char *)item + key->offset, 0, key->width); /* the text is the other's */
            config_value_copy(key, item, from);
        }
    }
}

/* "services[hr]": one that would come or go. */
static void add_item(struct buf *names, const char *list, const struct config_key *identity,
                     const void *item)
{
    struct buf name = BUF_INIT;
    const char *text;

    memcpy(&text, (const char *)item + identity->offset, sizeof(text));
    buf_printf(&name, "%s[%s]", list, text);
    add(names, buf_str(&name));
    buf_release(&name);
}

struct merging {
    struct config *next;
    struct config *now; /* is not changed */
    const char *name;
    const struct config_list *list;
    const struct config_key *identity;
    struct config_changes *changes;
    bool is_taken[MOST_ITEMS]; /* of next */
};

/* The first one of that identity which no other has taken; NULL: it would go. */
static void *take_item(struct merging *merging, const void *now)
{
    for (size_t i = 0; i < config_list_count(merging->next, merging->list); i++) {
        void *item = config_list_item(merging->next, merging->list, i);

        if (!merging->is_taken[i] && config_value_is_equal(merging->identity, item, now)) {
            merging->is_taken[i] = true;
            return item;
        }
    }
    return NULL;
}

static void merge_item(struct merging *merging, size_t index, void *merged)
{
    const void *now = config_list_item(merging->now, merging->list, index);
    const void *next = take_item(merging, now);

    if (!next) {
        add_item(&merging->changes->kept, merging->name, merging->identity, now);
        copy_item(merged, now, merging->list);
        return;
    }
    memcpy(merged, next, merging->list->item_size);
    merge_owner(merged, now, merging->list, (struct place){index, 0}, merging->changes);
}

/* What nobody has taken stays in the list, which is cleared, with its texts. */
static void keep_untaken(struct merging *merging)
{
    const size_t count = config_list_count(merging->next, merging->list);
    size_t left = 0;

    for (size_t i = 0; i < count; i++) {
        void *item = config_list_item(merging->next, merging->list, i);

        if (merging->is_taken[i])
            continue;
        add_item(&merging->changes->kept, merging->name, merging->identity, item);
        memmove(config_list_item(merging->next, merging->list, left++), item,
                merging->list->item_size);
    }
    config_list_set_count(merging->next, merging->list, left);
}

static void merge_list(struct config *next, const struct config *now, const char *name,
                       const char *identity, struct config_changes *changes)
{
    struct merging merging = {.next = next,
                              .now = (struct config *)(uintptr_t)now,
                              .name = name,
                              .list = config_key_find(name)->list,
                              .identity = config_key_find(identity),
                              .changes = changes};
    const size_t size = merging.list->item_size;
    const size_t count = config_list_count(now, merging.list);
    char *merged = mem_zalloc(count * size + 1);

    for (size_t i = 0; i < count; i++)
        merge_item(&merging, i, merged + i * size);
    keep_untaken(&merging);
    config_list_clear(next, merging.list);
    for (size_t i = 0; i < count; i++)
        memcpy(config_list_item(next, merging.list, i), merged + i * size, size);
    config_list_set_count(next, merging.list, count);
    free(merged);
}

/* The demo's key stays for as long as the server runs. */
static void keep_made_key(struct config *next, const struct config *now)
{
    if (!next->api_key_made || !now->api_key_made)
        return;
    free(next->api_keys[0].key);
    next->api_keys[0].key = mem_strdup(now->api_keys[0].key);
}

void config_merge(struct config *next, const struct config *now, struct config_changes *changes)
{
    keep_made_key(next, now);
    merge_owner(next, now, NULL, (struct place){0, 0}, changes);
    merge_items(next, now, config_key_find("apiKeys"), (struct place){0, 0}, changes);
    merge_items(next, now, config_key_find("tokenKeys"), (struct place){0, 0}, changes);
    merge_list(next, now, "listeners", "listeners[].address", changes);
    merge_list(next, now, "services", "services[].name", changes);
}

void config_changes_release(struct config_changes *changes)
{
    buf_release(&changes->changed);
    buf_release(&changes->kept);
}
