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
    free(message->comment);
    sse_target_release(&message->target);
    bytes_unref(message->wire);
    free(message->receipt);
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
    narrow->comment = mem_strdup(message->comment);
    narrow->retry_ms = message->retry_ms;
    narrow->has_name = message->has_name;
    narrow->has_no_event = message->has_no_event;
    sse_target_narrow(&narrow->target, &message->target, is_kept);
    narrow->wire = bytes_ref(message->wire);
    narrow->is_stored = message->is_stored;
    narrow->was_written = message->was_written;
    narrow->ttl_s = message->ttl_s;
    narrow->receipt = mem_strdup(message->receipt);
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

/* Whole, or NULL: a part of it would be stored as the message. */
static json_t *without_id_and_data(const struct sse_message *message)
{
    json_t *object = json_object();
    int failures = 0;

    if (message->has_name)
        failures += json_object_set_new(object, "event", json_string(message->event));
    failures += sse_target_to_json(&message->target, object);
    if (*message->comment != '\0')
        failures += json_object_set_new(object, "comment", json_string(message->comment));
    if (message->retry_ms >= 0)
        failures += json_object_set_new(object, "reconnectTime", json_integer(message->retry_ms));
    failures += json_object_set_new(object, "qos", json_integer(message->is_stored));
    if (message->ttl_s >= 0)
        failures += json_object_set_new(object, "ttl", json_integer(message->ttl_s));
    if (strcmp(message->receipt, "true") == 0)
        failures += json_object_set_new(object, "receipt", json_true());
    else if (*message->receipt != '\0')
        failures += json_object_set_new(object, "receipt", json_string(message->receipt));
    if (failures == 0)
        return object;
    json_decref(object);
    return NULL;
}

/* The text of an object that is not empty, with the data in it, whose tokens nobody reads. Frees
 * the text. NULL: there is no memory for it. */
static char *with_data(char *text, const char *data)
{
    static const char member[] = "{\"data\":";
    char *whole;

    if (!text || !data)
        return text;
    whole = json_allocate(sizeof(member) + strlen(data) + strlen(text) + 1);
    if (whole)
        stpcpy(stpcpy(stpcpy(stpcpy(whole, member), data), ","), text + 1);
    free(text);
    return whole;
}

char *sse_message_to_json(const struct sse_message *message, size_t *length, uint64_t *digest)
{
    json_t *object = without_id_and_data(message);
    char *sorted = NULL, *text = NULL;

    *digest = 0;
    if (object && !message->is_id_fresh)
        sorted = json_write(object, JSON_COMPACT | JSON_SORT_KEYS);
    if (sorted)
        *digest = digest_of(sorted, message->data ? message->data : "");
    if ((sorted || message->is_id_fresh) &&
        json_object_set_new(object, "id", json_string(message->id)) == 0)
        text = with_data(json_write(object, JSON_COMPACT), message->data);
    *length = text ? strlen(text) : 0;
    free(sorted);
    json_decref(object);
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
