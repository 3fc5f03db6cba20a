/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/denied.h"

#include <stdlib.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/credential.h"
#include "base/mem.h"
#include "sse/user.h"

struct entry {
    struct table_node node;
    struct heap_node place;
    int64_t until_ms;
    int64_t issued_until; /* wall s: later credentials are not meant */
    char name[];          /* "u" and the user's key, or "t" and the token's hash */
};

static struct entry *entry_of(const struct heap_node *node)
{
    return container_of(node, struct entry, place);
}

static bool ends_before(const struct heap_node *one, const struct heap_node *other)
{
    return entry_of(one)->until_ms < entry_of(other)->until_ms;
}

static struct entry *first_of(const struct auth_denied *denied)
{
    struct heap_node *first = heap_first(&denied->by_end);

    return first ? entry_of(first) : NULL;
}

static void drop(struct auth_denied *denied, struct entry *entry)
{
    heap_remove(&denied->by_end, &entry->place);
    table_remove(&denied->table, &entry->node);
    free(entry);
}

static void drop_ended(struct auth_denied *denied, int64_t now_ms)
{
    struct entry *first;

    while ((first = first_of(denied)) && first->until_ms <= now_ms)
        drop(denied, first);
}

/* They end by the wall clock, which may be set meanwhile: it is looked at again each time. */
static uint64_t end_first(struct age_timer *age, uint64_t now_ms)
{
    struct auth_denied *denied = container_of(age, struct auth_denied, age);
    const int64_t wall_ms = loop_wall_ms(age->loop);
    struct entry *first = first_of(denied);

    if (!first)
        return AGE_TIMER_NEVER;
    if (first->until_ms > wall_ms)
        return now_ms + (uint64_t)(first->until_ms - wall_ms);
    drop(denied, first);
    return 0;
}

struct auth_denied *auth_denied_new(struct loop *loop, size_t most)
{
    struct auth_denied *denied = mem_zalloc(sizeof(*denied));

    table_init(&denied->table, TABLE_BY_TEXT(struct entry, node, name));
    heap_init(&denied->by_end, ends_before);
    age_timer_init(&denied->age, loop, end_first);
    denied->most = most;
    return denied;
}

void auth_denied_free(struct auth_denied *denied)
{
    if (!denied)
        return;
    for (size_t i = 0; i < denied->by_end.count; i++)
        free(entry_of(denied->by_end.nodes[i]));
    heap_release(&denied->by_end);
    age_timer_release(&denied->age);
    table_release(&denied->table);
    free(denied);
}

static struct entry *insert(struct auth_denied *denied, const char *name, int64_t until_ms)
{
    struct entry *entry;

    if (denied->by_end.count >= denied->most) {
        drop(denied, first_of(denied));
        denied->displaced++;
    }
    entry = table_new_item(&denied->table, name);
    entry->until_ms = until_ms;
    heap_add(&denied->by_end, &entry->place);
    denied->added++;
    return entry;
}

void auth_denied_add(struct auth_denied *denied, const struct auth_denial *denial, int64_t now_ms)
{
    struct entry *entry;

    drop_ended(denied, now_ms);
    if (denial->until_ms <= now_ms)
        return;
    entry = table_find(&denied->table, denial->name);
    if (!entry) {
        entry = insert(denied, denial->name, denial->until_ms);
    } else if (denial->until_ms > entry->until_ms) {
        entry->until_ms = denial->until_ms;
        heap_move(&denied->by_end, &entry->place);
    }
    if (denial->issued_until > entry->issued_until)
        entry->issued_until = denial->issued_until;
    if (denied->note)
        denied->note(denied->context, denial);
    age_timer_add(&denied->age,
                  loop_now_ms(denied->age.loop) + (uint64_t)(denial->until_ms - now_ms));
}

/* The caller frees it. */
static char *name_of_user(const char *key)
{
    const size_t size = strlen(key) + 1;
    char *name = mem_alloc(1 + size);

    name[0] = 'u';
    memcpy(name + 1, key, size);
    return name;
}

/* Lies in text: a hash as text, whose prefix is of no use here. */
static const char *name_of_token(const char *token, char text[AUTH_KEY_HASH_TEXT])
{
    char *name = text + sizeof(AUTH_KEY_HASH_PREFIX) - 2;

    /* Without it a revocation would be lost, or passed over. */
    if (!auth_key_hash_write(token, text))
        mem_fail(AUTH_KEY_HASH_TEXT);
    *name = 't';
    return name;
}

void auth_denied_add_token(struct auth_denied *denied, const char *access_token, int64_t now_ms,
                           int64_t until_ms)
{
    char text[AUTH_KEY_HASH_TEXT];

    auth_denied_add(denied,
                    &(struct auth_denial){name_of_token(access_token, text), INT64_MAX, until_ms},
                    now_ms);
}

void auth_denied_add_user(struct auth_denied *denied, const char *user_key, int64_t now_ms,
                          int64_t until_ms)
{
    char *name = name_of_user(user_key);

    auth_denied_add(denied, &(struct auth_denial){name, now_ms / 1000, until_ms}, now_ms);
    free(name);
}

static bool is_denied(const struct auth_denied *denied, const char *name, int64_t issued_at)
{
    const struct entry *entry = table_find(&denied->table, name);

    return entry && issued_at <= entry->issued_until;
}

static bool is_key_denied(const struct auth_denied *denied, const char *key, int64_t issued_at)
{
    char *name = name_of_user(key);
    const bool is = is_denied(denied, name, issued_at);

    free(name);
    return is;
}

/* By the id alone, which is kept of a time when that was the key, or as the user in its tenant. */
static bool is_user_denied(const struct auth_denied *denied, const struct sse_user *user,
                           int64_t issued_at)
{
    char *key = sse_user_key_new(user->tenant_id, user->id);
    const bool is =
        is_key_denied(denied, user->id, issued_at) || is_key_denied(denied, key, issued_at);

    free(key);
    return is;
}

bool auth_denied_has(struct auth_denied *denied, const struct auth_credential *credential,
                     int64_t now_ms)
{
    char text[AUTH_KEY_HASH_TEXT];

    drop_ended(denied, now_ms);
    if (denied->by_end.count == 0)
        return false;
    return is_denied(denied, name_of_token(credential->access_token, text),
                     credential->issued_at) ||
           (credential->user && is_user_denied(denied, credential->user, credential->issued_at));
}

void auth_denied_count(const struct auth_denied *denied, struct auth_counters *counters)
{
    counters->revocations = denied->added;
    counters->revocations_displaced = denied->displaced;
    counters->revocations_kept = denied->by_end.count;
}
