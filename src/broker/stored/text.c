/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/stored/text.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/json.h"
#include "sse/message.h"
#include "sse/user.h"

static void read_message(struct stored_text *text, const struct qos_message *message)
{
    struct json_fault fault = {.is_out_of_memory = false};

    if (text->number == message->number)
        return;
    json_decref(text->object);
    text->number = message->number;
    text->object = NULL;
    if (message->json)
        text->object = json_parse_by(&sse_message_json, message->json, message->length, &fault);
    text->lacks_memory |= fault.is_out_of_memory;
}

void stored_text_member(struct stored_text *text, struct buf *to, const struct qos_message *message,
                        const char *key)
{
    const json_t *value;
    char *dumped;

    read_message(text, message);
    value = json_object_get(text->object, key);
    dumped = value ? json_write(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    text->lacks_memory |= value && !dumped;
    buf_append_str(to, dumped ? dumped : "null");
    free(dumped);
}

void stored_text_data(struct stored_text *text, struct buf *to, const struct qos_message *message)
{
    const json_t *data;

    read_message(text, message);
    data = json_object_get(text->object, "data");
    buf_append_str(to, data ? json_string_value(data) : "null");
}

void stored_text_release(struct stored_text *text)
{
    json_decref(text->object);
    *text = (struct stored_text){.number = 0};
}

void stored_text_recipient(struct buf *to, const struct qos_recipient *recipient,
                           bool is_token_whole)
{
    if (recipient->dimension == SSE_BY_USER) {
        json_text_user_members(to, recipient->value);
        return;
    }
    buf_printf(to, "\"%s\":", sse_dimension_keys[recipient->dimension]);
    if (recipient->dimension == SSE_ALL)
        buf_append_str(to, "true");
    else if (recipient->dimension == SSE_BY_TOKEN)
        json_text_token(to, recipient->value, is_token_whole);
    else
        json_text_string(to, recipient->value);
}

void stored_text_cause(struct buf *to, const struct qos_copy *copy)
{
    if (copy->state == QOS_UNREADABLE)
        buf_printf(to, ",\"cause\":\"%s\"", qos_cause_words[copy->cause]);
}

void stored_text_end(struct buf *to, const struct qos_copy *copy)
{
    if (copy->state == QOS_STORED || copy->state == QOS_UNREADABLE)
        buf_append_str(to, ",\"endTime\":null");
    else
        buf_printf(to, ",\"endTime\":%" PRId64, copy->ended);
}

static void append_state(struct buf *text, const struct qos_copy *copy, bool is_token_whole)
{
    buf_append_char(text, '{');
    stored_text_recipient(text, &copy->recipient, is_token_whole);
    buf_printf(text, ",\"listening\":%s,\"state\":\"%s\",\"written\":%" PRIu32,
               copy->recipient.listening[0] != '\0' ? "true" : "false",
               qos_state_words[copy->state], copy->written);
    stored_text_cause(text, copy);
    stored_text_end(text, copy);
    buf_append_char(text, '}');
}

static void append_head(struct buf *text, const struct qos_message *message)
{
    struct stored_text read = {.number = 0};

    buf_append_str(text, "{\"id\":");
    json_text_string(text, message->id);
    buf_append_str(text, ",\"event\":");
    stored_text_member(&read, text, message, "event");
    buf_printf(text, ",\"createTime\":%" PRId64 ",\"expireTime\":%" PRId64 ",\"copies\":[",
               message->created, message->expires);
    stored_text_release(&read);
}

void stored_text_message(struct buf *to, const struct qos_copies *copies, bool is_token_whole)
{
    append_head(to, copies->items[0].message);
    for (size_t i = 0; i < copies->count; i++) {
        if (i > 0)
            buf_append_char(to, ',');
        append_state(to, &copies->items[i], is_token_whole);
    }
    buf_append_str(to, "]}");
}

void stored_text_copy(struct stored_text *text, struct buf *to, const struct qos_copy *copy,
                      bool is_token_whole)
{
    const struct qos_message *message = copy->message;

    buf_append_str(to, "{\"id\":");
    json_text_string(to, message->id);
    buf_append_str(to, ",\"event\":");
    stored_text_member(text, to, message, "event");
    buf_append_str(to, ",\"data\":");
    stored_text_data(text, to, message);
    buf_append_char(to, ',');
    stored_text_recipient(to, &copy->recipient, is_token_whole);
    buf_printf(to,
               ",\"listening\":%s,\"createTime\":%" PRId64 ",\"expireTime\":%" PRId64
               ",\"state\":\"%s\",\"written\":%" PRIu32,
               copy->recipient.listening[0] != '\0' ? "true" : "false", message->created,
               message->expires, qos_state_words[copy->state], copy->written);
    stored_text_cause(to, copy);
    buf_append_char(to, '}');
}

/* ---- as the Java system shows them ---- */

/* What a connection must have to get it; a mask. */
enum java_filter {
    BY_TENANT = 1 << 1,
    BY_TOKEN = 1 << 2,
    BY_USER = 1 << 3,
    BY_LISTENER = 1 << 4,
    BY_CHANNEL = 1 << 5,
};

static const unsigned filters[SSE_DIMENSIONS] = {
    [SSE_BY_TENANT] = BY_TENANT,
    [SSE_BY_TOKEN] = BY_TOKEN,
    [SSE_BY_USER] = BY_USER,
    [SSE_BY_CHANNEL] = BY_CHANNEL,
};

static bool has_tenant(const struct qos_copy *copy)
{
    return copy->recipient.dimension == SSE_BY_USER &&
           sse_user_key_has_tenant(copy->recipient.value);
}

static unsigned filters_of(const struct qos_copy *copy)
{
    return filters[copy->recipient.dimension] | (has_tenant(copy) ? BY_TENANT : 0) |
           (copy->recipient.listening[0] != '\0' ? BY_LISTENER : 0);
}

/* ,"tenantIdList":["3"] of the values of a dimension; null where the copies have another one. */
static void append_values(struct buf *to, const char *name, const struct qos_copy *copies,
                          size_t count, enum sse_dimension dimension, bool is_token_whole)
{
    buf_printf(to, ",\"%s\":", name);
    if (copies->recipient.dimension != dimension) {
        buf_append_str(to, "null");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const char *value = copies[i].recipient.value;

        buf_append_char(to, i == 0 ? '[' : ',');
        if (dimension == SSE_BY_TOKEN)
            json_text_token(to, value, is_token_whole);
        else
            json_text_string(to, dimension == SSE_BY_USER ? sse_user_key_id(value) : value);
    }
    buf_append_char(to, ']');
}

static void append_tenants(struct buf *to, const struct qos_copy *copies, size_t count)
{
    char *tenant = has_tenant(copies) ? sse_user_key_tenant(copies->recipient.value) : NULL;

    if (tenant) { /* all are users of one */
        buf_append_str(to, ",\"tenantIdList\":[");
        json_text_string(to, tenant);
        buf_append_char(to, ']');
    } else {
        append_values(to, "tenantIdList", copies, count, SSE_BY_TENANT, false);
    }
    free(tenant);
}

/* The Java system names the event of whatever goes to a channel. */
static void append_listener(struct buf *to, struct stored_text *text, const struct qos_copy *copy)
{
    buf_append_str(to, ",\"listenerName\":");
    if (copy->recipient.listening[0] != '\0' || copy->recipient.dimension == SSE_BY_CHANNEL)
        stored_text_member(text, to, copy->message, "event");
    else
        buf_append_str(to, "null");
}

void stored_java_text(struct buf *to, struct stored_text *text, const struct qos_copy *copies,
                      size_t count, bool is_token_whole)
{
    const struct qos_message *message = copies->message;

    buf_append_str(to, "{\"arrayClassName\":null,\"objectClassName\":null,\"id\":");
    json_text_string(to, message->id);
    buf_append_str(to, ",\"eventName\":");
    stored_text_member(text, to, message, "event");
    buf_append_str(to, ",\"body\":");
    stored_text_data(text, to, message);
    buf_printf(to, ",\"filters\":%u", filters_of(copies));
    append_listener(to, text, copies);
    append_tenants(to, copies, count);
    append_values(to, "userIdList", copies, count, SSE_BY_USER, false);
    append_values(to, "accessTokenList", copies, count, SSE_BY_TOKEN, is_token_whole);
    append_values(to, "channelList", copies, count, SSE_BY_CHANNEL, false);
    buf_append_char(to, '}');
}
