/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/recent.h"

struct name {
    struct lru_item item;
    int number;
    char text[];
};

void auth_recent_init(struct auth_recent *recent, struct loop *loop, size_t most, uint64_t kept_ms)
{
    recent->kept_ms = kept_ms;
    lru_init(&recent->names, loop, LRU_BY_TEXT(struct name, item, text), most);
}

void auth_recent_release(struct auth_recent *recent)
{
    lru_release(&recent->names);
}

int auth_recent_find(struct auth_recent *recent, const char *name, uint64_t now_ms)
{
    struct name *known = lru_find(&recent->names, name, now_ms);

    if (!known)
        return -1;
    lru_use(&recent->names, &known->item, now_ms + recent->kept_ms);
    return known->number;
}

void auth_recent_add(struct auth_recent *recent, const char *name, int number, uint64_t now_ms)
{
    struct name *added = lru_add(&recent->names, name, now_ms, now_ms + recent->kept_ms);

    if (added)
        added->number = number;
}
