/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "server/config_keys.h"
#include "server/config_load.h"
#include "server/config_value.h"

/* numbers: of the items that the key lies in (config_key_append_name()). */
static void add_key(struct buf *names, const struct config_key *key, const size_t *numbers)
{
    buf_append_str(names, names->length > 0 ? ", " : "");
    config_key_append_name(key, numbers, names);
}

static void merge_owner(void *next, const void *now, const struct config_list *list,
                        const size_t *numbers, struct config_changes *changes);

/* A list that is taken as it is; by its numbers where there are as many as before. */
static void merge_items(void *next, const void *now, const struct config_key *head, size_t outer,
                        struct config_changes *changes)
{
    const struct config_list *list = head->list;
    const size_t count = config_list_count(next, list);
    size_t numbers[CONFIG_DEPTH] = {outer};

    if (count != config_list_count(now, list))
        add_key(&changes->changed, head, numbers);
    for (size_t i = 0; i < count && count == config_list_count(now, list); i++) {
        numbers[list->within ? 1 : 0] = i;
        merge_owner(config_list_item(next, list, i), config_list_item(now, list, i), list, numbers,
                    changes);
    }
}

static void merge_key(const struct config_key *key, void *next, const void *now,
                      const size_t *numbers, struct config_changes *changes)
{
    const bool is_static = key->change == CONFIG_STATIC;

    if (config_value_is_equal(key, next, now))
        return;
    add_key(is_static ? &changes->kept : &changes->changed, key, numbers);
    if (is_static)
        config_value_copy(key, next, now);
}

/* All rows that lie in an item of list, or (NULL) in struct config itself. */
static void merge_owner(void *next, const void *now, const struct config_list *list,
                        const size_t *numbers, struct config_changes *changes)
{
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];

        if (key->type == CONFIG_LIST && list && key->list->within == list)
            merge_items(next, now, key, numbers[0], changes);
        else if (key->list == list && config_key_has_value(key))
            merge_key(key, next, now, numbers, changes);
    }
}

/* "services[hr]": one that would come or go. */
static void add_item(struct buf *names, const char *list, const struct config_key *identity,
                     const void *item)
{
    buf_printf(names, "%s%s[%s]", names->length > 0 ? ", " : "", list,
               config_value_text(identity, item));
}

/* Moves the first one of that identity out of next. False: it would go. */
static bool take_item(struct config *next, const struct config_list *list,
                      const struct config_key *identity, const void *now, void *taken)
{
    const size_t count = config_list_count(next, list);

    for (size_t i = 0; i < count; i++) {
        char *item = config_list_item(next, list, i);

        if (!config_value_is_equal(identity, item, now))
            continue;
        memcpy(taken, item, list->item_size);
        memmove(item, item + list->item_size, (count - i - 1) * list->item_size);
        config_list_set_count(next, list, count - 1);
        return true;
    }
    return false;
}

static void merge_list(struct config *next, const struct config *now, const char *name,
                       const char *identity_name, struct config_changes *changes)
{
    const struct config_list *list = config_key_find(name)->list;
    const struct config_key *identity = config_key_find(identity_name);
    const size_t count = config_list_count(now, list);
    char *merged = mem_zalloc(count * list->item_size + 1);

    for (size_t i = 0; i < count; i++) {
        const void *before = config_list_item(now, list, i);
        void *item = merged + i * list->item_size;

        if (take_item(next, list, identity, before, item)) {
            merge_owner(item, before, list, (const size_t[CONFIG_DEPTH]){i}, changes);
        } else {
            add_item(&changes->kept, name, identity, before);
            config_item_copy(item, before, list);
        }
    }
    for (size_t i = 0; i < config_list_count(next, list); i++)
        add_item(&changes->kept, name, identity, config_list_item(next, list, i));
    config_list_clear(next, list);
    memcpy(config_list_item(next, list, 0), merged, count * list->item_size);
    config_list_set_count(next, list, count);
    free(merged);
}

void config_merge(struct config *next, const struct config *now, struct config_changes *changes)
{
    /* The demo's key stays for as long as the server runs. */
    if (next->api_key_made && now->api_key_made)
        config_value_copy(config_key_find("apiKeys[].key"), next->api_keys, now->api_keys);
    merge_owner(next, now, NULL, (const size_t[CONFIG_DEPTH]){0}, changes);
    merge_items(next, now, config_key_find("apiKeys"), 0, changes);
    merge_items(next, now, config_key_find("tokenKeys"), 0, changes);
    merge_list(next, now, "listeners", "listeners[].address", changes);
    merge_list(next, now, "services", "services[].name", changes);
}

void config_changes_release(struct config_changes *changes)
{
    buf_release(&changes->changed);
    buf_release(&changes->kept);
}
