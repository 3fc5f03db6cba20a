/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/message.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "sse/own_id.h"

#define RESEND     ":resend\n"
#define ENDED_BITS 64u

/* Most messages have neither a comment nor a receipt. */
static char nothing[] = "";

char *sse_message_text(const char *text, size_t length)
{
    return length > 0 ? mem_strndup(text, length) : nothing;
}

static void text_free(char *text)
{
    if (text != nothing)
        free(text);
}

struct sse_message *sse_message_ref(struct sse_message *message)
{
    atomic_fetch_add_explicit(&message->refs, 1, memory_order_relaxed);
    return message;
}

struct sse_message *sse_message_unref(struct sse_message *message)
{
    if (!message || atomic_fetch_sub_explicit(&message->refs, 1, memory_order_acq_rel) != 1)
        return NULL;
    free(message->id);
    free(message->event);
    text_free(message->comment);
    sse_target_release(&message->target);
    bytes_unref(message->wire);
    text_free(message->receipt);
    free(message->data);
    free(message);
    return NULL;
}

struct sse_message *sse_message_narrow(const struct sse_message *message, const bool *is_kept)
{
    struct sse_message *narrow = mem_zalloc(sizeof(*narrow));

    atomic_init(&narrow->refs, 1);
    narrow->id = mem_strdup(message->id);
    narrow->event = mem_strdup(message->event);
    narrow->comment = sse_message_text(message->comment, strlen(message->comment));
    narrow->retry_ms = message->retry_ms;
    narrow->has_name = message->has_name;
    narrow->has_no_event = message->has_no_event;
    sse_target_narrow(&narrow->target, &message->target, is_kept);
    narrow->wire = bytes_ref(message->wire);
    narrow->is_stored = message->is_stored;
    narrow->was_written = message->was_written;
    narrow->ttl_s = message->ttl_s;
    narrow->receipt = sse_message_text(message->receipt, strlen(message->receipt));
    return narrow;
}

/* 0: it has none. */
static uint64_t bit_of(const struct sse_message *message, const char *value)
{
    const struct sse_target *target = &message->target;

    for (size_t i = 0; i < target->count && i < ENDED_BITS; i++) {
        if (strcmp(target->values[i], value) == 0)
            return UINT64_C(1) << i;
    }
    return 0;
}

void sse_message_end(struct sse_message *message, const char *value)
{
    atomic_fetch_or_explicit(&message->ended, bit_of(message, value), memory_order_relaxed);
}

bool sse_message_has_ended(const struct sse_message *message, const char *value)
{
    return (atomic_load_explicit(&message->ended, memory_order_relaxed) & bit_of(message, value)) !=
           0;
}

/* It is stored, tells a mistake, and keeps nobody out. */
static uint64_t digest_of(const char *text, const char *data)
{
    const struct hash_key key = {{hash_text(&HASH_KEY_NONE, text), 0}};

    return hash_text(&key, data);
}

/* The JSON form as text, member by member, each followed by a comma. */
struct member {
    const char *key;
    size_t begin, end;
};

enum { MOST_MEMBERS = 10 };

struct members {
    struct buf text; /* has room for all of them */
    struct member each[MOST_MEMBERS];
    size_t count;
};

/* What so many characters take at the most: "\\u0000" each. */
static size_t room_for(const char *text)
{
    return 6 * strlen(text) + sizeof("\"\",");
}

static size_t room_for_members(const struct sse_message *message)
{
    const size_t keys =
        MOST_MEMBERS * sizeof("\"reconnectTime\":18446744073709551615,"); /* and numbers */
    size_t room = keys + room_for(message->id) + room_for(message->event) +
                  room_for(message->comment) + room_for(message->receipt);

    for (size_t i = 0; i < message->target.count; i++)
        room += (i == 0 ? 2 : 1) * room_for(message->target.values[i]); /* its tenant as well */
    return room;
}

static struct buf *begin_member(struct members *members, const char *key)
{
    members->each[members->count] = (struct member){.key = key, .begin = members->text.length};
    json_text_string(&members->text, key);
    buf_append_char(&members->text, ':');
    return &members->text;
}

static void end_member(struct members *members)
{
    members->each[members->count++].end = members->text.length;
    buf_append_char(&members->text, ',');
}

static void add_text(struct members *members, const char *key, const char *text)
{
    json_text_string(begin_member(members, key), text);
    end_member(members);
}

static void add_number(struct members *members, const char *key, uint64_t number)
{
    json_text_number(begin_member(members, key), number);
    end_member(members);
}

static void add_true(struct members *members, const char *key)
{
    buf_append_str(begin_member(members, key), "true");
    end_member(members);
}

static void add_target(struct members *members, const struct sse_target *target)
{
    char *tenant = sse_target_users_tenant(target);

    if (target->listening)
        add_true(members, "listening");
    sse_target_write(target, begin_member(members, sse_dimension_keys[target->dimension]));
    end_member(members);
    if (tenant)
        add_text(members, sse_dimension_keys[SSE_BY_TENANT], tenant);
    free(tenant);
}

static void add_all_but_id_and_data(struct members *members, const struct sse_message *message)
{
    if (message->has_name)
        add_text(members, "event", message->event);
    add_target(members, &message->target);
    if (*message->comment != '\0')
        add_text(members, "comment", message->comment);
    if (message->retry_ms >= 0)
        add_number(members, "reconnectTime", (uint64_t)message->retry_ms);
    add_number(members, "qos", message->is_stored ? 1 : 0);
    if (message->ttl_s >= 0)
        add_number(members, "ttl", (uint64_t)message->ttl_s);
    if (strcmp(message->receipt, "true") == 0)
        add_true(members, "receipt");
    else if (*message->receipt != '\0')
        add_text(members, "receipt", message->receipt);
}

static int compare_members(const void *one, const void *other)
{
    return strcmp(((const struct member *)one)->key, ((const struct member *)other)->key);
}

/* Of the members in the order of their keys. False: there is no memory for that text. */
static bool digest_members(struct members *members, const char *data, uint64_t *digest)
{
    const char *text = buf_str(&members->text);
    char *sorted = json_allocate(members->text.length + sizeof("{}"));
    char *at = sorted;

    if (!sorted)
        return false;
    qsort(members->each, members->count, sizeof(members->each[0]), compare_members);
    for (size_t i = 0; i < members->count; i++) {
        const struct member *member = &members->each[i];

        *at++ = i == 0 ? '{' : ',';
        at = mempcpy(at, text + member->begin, member->end - member->begin);
    }
    stpcpy(at, "}");
    *digest = digest_of(sorted, data);
    free(sorted);
    return true;
}

/* With the data before them, whose tokens nobody reads. NULL: there is no memory for it. */
static char *join(const struct members *members, const char *data, size_t *length)
{
    const size_t all = members->text.length - 1; /* without the last comma */
    char *text = json_allocate(sizeof("{\"data\":,}") + strlen(data) + all);
    char *at = text;

    if (!text)
        return NULL;
    at = stpcpy(at, "{");
    if (*data != '\0')
        at = stpcpy(stpcpy(stpcpy(at, "\"data\":"), data), ",");
    at = stpcpy(mempcpy(at, buf_str(&members->text), all), "}");
    *length = (size_t)(at - text);
    return text;
}

char *sse_message_to_json(const struct sse_message *message, size_t *length, uint64_t *digest)
{
    const char *data = message->data ? message->data : "";
    const size_t room = room_for_members(message);
    struct members members = {.text = {.data = json_allocate(room), .capacity = room}};
    char *text = NULL;

    *digest = 0;
    *length = 0;
    if (!members.text.data)
        return NULL;
    add_all_but_id_and_data(&members, message);
    if (message->is_id_fresh || digest_members(&members, data, digest)) {
        add_text(&members, "id", message->id);
        text = join(&members, data, length);
    }
    buf_release(&members.text);
    return text;
}

void sse_message_forget_data(struct sse_message *message)
{
    free(message->data);
    message->data = NULL;
}

struct bytes *sse_message_resend_wire(const struct sse_message *message)
{
    const size_t comment = sizeof(RESEND) - 1;
    struct buf wire = BUF_INIT;

    buf_reserve(&wire, comment + message->wire->length);
    buf_append(&wire, RESEND, comment);
    buf_append(&wire, message->wire->data, message->wire->length);
    return buf_freeze(&wire);
}

static atomic_uint_least64_t last_number;

void sse_message_make_id(char id[SSE_MESSAGE_ID_SIZE], enum sse_own_id_kind kind)
{
    sse_own_id_write(id, kind,
                     atomic_fetch_add_explicit(&last_number, 1, memory_order_relaxed) + 1);
}

bool sse_message_receipt_is_url(const struct sse_message *message)
{
    return *message->receipt != '\0' && strcmp(message->receipt, "true") != 0;
}
