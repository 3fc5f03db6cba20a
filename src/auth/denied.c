/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/denied.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/age_timer.h"
#include "base/mem.h"
#include "sse/table.h"

#define DIGEST_SIZE 32u

struct entry {
    struct sse_table_node node;
    size_t place; /* in the heap */
    int64_t until_ms;
    int64_t issued_until; /* wall s: later credentials are not meant */
    char name[];          /* "u" and the user's id, or "t" and the token's hash */
};

struct auth_denied {
    struct sse_table table;
    struct entry **heap; /* the one that ends first is at 0 */
    size_t count, room, most;
    struct auth_denied_counters counters;
    struct age_timer age;
};

static void put(struct auth_denied *denied, size_t place, struct entry *entry)
{
    denied->heap[place] = entry;
    entry->place = place;
}

static void sift_up(struct auth_denied *denied, struct entry *entry)
{
    size_t place = entry->place;

    while (place > 0 && denied->heap[(place - 1) / 2]->until_ms > entry->until_ms) {
        put(denied, place, denied->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put(denied, place, entry);
}

static void sift_down(struct auth_denied *denied, struct entry *entry)
{
    size_t place = entry->place;

    for (;;) {
        size_t child = 2 * place + 1;

        if (child + 1 < denied->count &&
            denied->heap[child + 1]->until_ms < denied->heap[child]->until_ms)
            child++;
        if (child >= denied->count || denied->heap[child]->until_ms >= entry->until_ms)
            break;
        put(denied, place, denied->heap[child]);
        place = child;
    }
    put(denied, place, entry);
}

static void drop_first(struct auth_denied *denied)
{
    struct entry *first = denied->heap[0];
    struct entry *last = denied->heap[--denied->count];

    if (denied->count > 0) {
        put(denied, 0, last);
        sift_down(denied, last);
    }
    sse_table_remove(&denied->table, &first->node);
    free(first);
}

static void drop_ended(struct auth_denied *denied, int64_t now_ms)
{
    while (denied->count > 0 && denied->heap[0]->until_ms <= now_ms)
        drop_first(denied);
}

/* They end by the wall clock, which may be set meanwhile: it is looked at again each time. */
static uint64_t end_first(struct age_timer *age, uint64_t now_ms)
{
    struct auth_denied *denied = container_of(age, struct auth_denied, age);
    const int64_t wall_ms = loop_wall_ms(age->loop);

    if (denied->count == 0)
        return AGE_TIMER_NEVER;
    if (denied->heap[0]->until_ms > wall_ms)
        return now_ms + (uint64_t)(denied->heap[0]->until_ms - wall_ms);
    drop_first(denied);
    return 0;
}

struct auth_denied *auth_denied_new(struct loop *loop, size_t most)
{
    struct auth_denied *denied = mem_zalloc(sizeof(*denied));

    sse_table_init(&denied->table, SSE_TABLE_KEY_OFFSET(struct entry, node, name));
    age_timer_init(&denied->age, loop, end_first);
    denied->most = most;
    return denied;
}

void auth_denied_free(struct auth_denied *denied)
{
    if (!denied)
        return;
    for (size_t i = 0; i < denied->count; i++)
        free(denied->heap[i]);
    free(denied->heap);
    age_timer_release(&denied->age);
    sse_table_release(&denied->table);
    free(denied);
}

static struct entry *find(const struct auth_denied *denied, const char *name)
{
    struct sse_table_node *node = sse_table_find(&denied->table, name);

    return node ? container_of(node, struct entry, node) : NULL;
}

static struct entry *insert(struct auth_denied *denied, const char *name)
{
    const size_t size = strlen(name) + 1;
    struct entry *entry = mem_zalloc(sizeof(*entry) + size);

    memcpy(entry->name, name, size);
    if (denied->count == denied->most) {
        drop_first(denied);
        denied->counters.displaced++;
    }
    if (denied->count == denied->room) {
        denied->room = denied->room > 0 ? 2 * denied->room : 16;
        denied->heap = mem_realloc(denied->heap, denied->room * sizeof(struct entry *));
    }
    put(denied, denied->count++, entry);
    sse_table_add(&denied->table, &entry->node);
    denied->counters.added++;
    return entry;
}

/* What is denied already stays so for the longer of the two times. */
static void add(struct auth_denied *denied, const char *name, int64_t issued_until,
                int64_t until_ms)
{
    struct entry *entry = find(denied, name);

    if (!entry) {
        entry = insert(denied, name);
        entry->until_ms = until_ms;
        sift_up(denied, entry);
    } else if (until_ms > entry->until_ms) {
        entry->until_ms = until_ms;
        sift_down(denied, entry);
    }
    if (issued_until > entry->issued_until)
        entry->issued_until = issued_until;
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

void auth_denied_add_user(struct auth_denied *denied, const char *user_id, int64_t now_ms,
                          int64_t until_ms)
{
    char *name = name_of('u', user_id);

    drop_ended(denied, now_ms);
    if (until_ms > now_ms) {
        add(denied, name, now_ms / 1000, until_ms);
        await_end(denied, now_ms, until_ms);
    }
    free(name);
}

static bool is_denied(const struct auth_denied *denied, const char *name, int64_t issued_at)
{
    const struct entry *entry = find(denied, name);

    return entry && issued_at <= entry->issued_until;
}

bool auth_denied_has(struct auth_denied *denied, const struct auth_credential *credential,
                     int64_t now_ms)
{
    char token[2 * DIGEST_SIZE + 2];
    char *user;
    bool has;

    drop_ended(denied, now_ms);
    if (denied->count == 0)
        return false;
    user = name_of('u', credential->user_id);
    hash_name(credential->access_token, token);
    has = is_denied(denied, user, credential->issued_at) ||
          is_denied(denied, token, credential->issued_at);
    free(user);
    return has;
}

size_t auth_denied_count(const struct auth_denied *denied)
{
    return denied->count;
}

const struct auth_denied_counters *auth_denied_counters(const struct auth_denied *denied)
{
    return &denied->counters;
}
