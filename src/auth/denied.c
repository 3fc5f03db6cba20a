/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/denied.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/age_timer.h"
#include "base/heap.h"
#include "base/mem.h"
#include "base/table.h"
#include "sse/user.h"
#include "sse/user_key.h"

#define DIGEST_SIZE 32u

struct entry {
    struct table_node node;
    struct heap_node place;
    int64_t until_ms;
    int64_t issued_until; /* wall s: later credentials are not meant */
    char name[];          /* "u" and the user's key, or "t" and the token's hash */
};

struct auth_denied {
    struct table table;
    struct heap by_end;
    size_t most;
    struct auth_denied_counters counters;
    struct age_timer age;
    void (*note)(void *context, const struct auth_denial *denial);
    void *context;
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

void auth_denied_change(struct auth_denied *denied, size_t most)
{
    denied->most = most;
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
        denied->counters.displaced++;
    }
    entry = table_new_item(&denied->table, name);
    entry->until_ms = until_ms;
    heap_add(&denied->by_end, &entry->place);
    denied->counters.added++;
    return entry;
}

/* What is denied already stays so for the longer of the two times. */
static void add(struct auth_denied *denied, const char *name, int64_t issued_until,
                int64_t until_ms)
{
    struct entry *entry = table_find(&denied->table, name);

    if (!entry) {
        entry = insert(denied, name, until_ms);
    } else if (until_ms > entry->until_ms) {
        entry->until_ms = until_ms;
        heap_move(&denied->by_end, &entry->place);
    }
    if (issued_until > entry->issued_until)
        entry->issued_until = issued_until;
    if (denied->note)
        denied->note(denied->context, &(struct auth_denial){name, issued_until, until_ms});
}

static void await_end(struct auth_denied *denied, int64_t now_ms, int64_t until_ms)
{
    age_timer_add(&denied->age, loop_now_ms(denied->age.loop) + (uint64_t)(until_ms - now_ms));
}

/* The caller frees it. */
static char *name_of(char kind, const char *text)
{
    const size_t size = strlen(text) + 1;
    char *name = mem_alloc(1 + size);

    name[0] = kind;
    memcpy(name + 1, text, size);
    return name;
}

/* Hex, since a name is a text. */
static void hash_name(const char *token, char name[2 * DIGEST_SIZE + 2])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[DIGEST_SIZE];
    unsigned length = DIGEST_SIZE;

    /* Without it a revocation would be lost, or passed over. */
    if (EVP_Digest(token, strlen(token), digest, &length, EVP_sha256(), NULL) != 1)
        mem_fail(DIGEST_SIZE);
    *name++ = 't';
    for (size_t i = 0; i < DIGEST_SIZE; i++) {
        *name++ = digits[digest[i] >> 4];
        *name++ = digits[digest[i] & 0xf];
    }
    *name = '\0';
}

void auth_denied_add_token(struct auth_denied *denied, const char *access_token, int64_t now_ms,
                           int64_t until_ms)
{
    char name[2 * DIGEST_SIZE + 2];

    drop_ended(denied, now_ms);
    if (until_ms > now_ms) {
        hash_name(access_token, name);
        add(denied, name, INT64_MAX, until_ms);
        await_end(denied, now_ms, until_ms);
    }
}

void auth_denied_add_user(struct auth_denied *denied, const char *user_key, int64_t now_ms,
                          int64_t until_ms)
{
    char *name = name_of('u', user_key);

    drop_ended(denied, now_ms);
    if (until_ms > now_ms) {
        add(denied, name, now_ms / 1000, until_ms);
        await_end(denied, now_ms, until_ms);
    }
    free(name);
}

void auth_denied_restore(struct auth_denied *denied, const struct auth_denial *denial,
                         int64_t now_ms)
{
    drop_ended(denied, now_ms);
    if (denial->until_ms > now_ms) {
        add(denied, denial->name, denial->issued_until, denial->until_ms);
        await_end(denied, now_ms, denial->until_ms);
    }
}

void auth_denied_tell(struct auth_denied *denied,
                      void (*note)(void *context, const struct auth_denial *denial), void *context)
{
    denied->note = note;
    denied->context = context;
}

static bool is_denied(const struct auth_denied *denied, const char *name, int64_t issued_at)
{
    const struct entry *entry = table_find(&denied->table, name);

    return entry && issued_at <= entry->issued_until;
}

static bool is_key_denied(const struct auth_denied *denied, const char *key, int64_t issued_at)
{
    char *name = name_of('u', key);
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
    char token[2 * DIGEST_SIZE + 2];

    drop_ended(denied, now_ms);
    if (denied->by_end.count == 0)
        return false;
    hash_name(credential->access_token, token);
    return is_denied(denied, token, credential->issued_at) ||
           (credential->user && is_user_denied(denied, credential->user, credential->issued_at));
}

size_t auth_denied_count(const struct auth_denied *denied)
{
    return denied->by_end.count;
}

const struct auth_denied_counters *auth_denied_counters(const struct auth_denied *denied)
{
    return &denied->counters;
}
