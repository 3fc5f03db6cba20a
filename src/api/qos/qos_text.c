/* SPDX-License-Identifier: Apache-2.0 */
#include "api/qos/qos_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "api/json_text.h"
#include "api/shown_token.h"
#include "base/buf.h"
#include "base/json.h"
#include "sse/message.h"

static void read_message(struct qos_text *text, const struct qos_message *message)
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

void qos_text_member(struct qos_text *text, struct buf *to, const struct qos_message *message,
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

void qos_text_data(struct qos_text *text, struct buf *to, const struct qos_message *message)
{
    const json_t *data;

    read_message(text, message);
    data = json_object_get(text->object, "data");
    buf_append_str(to, data ? json_string_value(data) : "null");
}

void qos_text_release(struct qos_text *text)
{
    json_decref(text->object);
    *text = (struct qos_text){.number = 0};
}

void qos_text_recipient(struct buf *to, const struct qos_recipient *recipient, bool is_token_whole)
{
    if (recipient->dimension == SSE_BY_USER) {
        json_text_user_members(to, recipient->value);
        return;
    }
    buf_printf(to, "\"%s\":", sse_dimension_keys[recipient->dimension]);
    if (recipient->dimension == SSE_ALL)
        buf_append_str(to, "true");
    else if (recipient->dimension == SSE_BY_TOKEN)
        shown_token_append(to, recipient->value, is_token_whole);
    else
        json_text_string(to, recipient->value);
}

const char *qos_text_fault(int status)
{
    switch (status) {
    case -EDQUOT:
        return "the store is full (services[].qos.messages, services[].qos.bytes)";
    case -ENOSPC:
        return "the disk of the store is full";
    case -EBUSY:
        return "more waits for the disk than services[].qos.waitingBytes";
    case -ETIMEDOUT:
        return "its disk has not come to them within services[].qos.waitingTime";
    default:
        return "the store does not work";
    }
}

void qos_text_cause(struct buf *to, const struct qos_copy *copy)
{
    if (copy->state == QOS_UNREADABLE)
        buf_printf(to, ",\"cause\":\"%s\"", qos_cause_words[copy->cause]);
}

void qos_text_end(struct buf *to, const struct qos_copy *copy)
{
    if (copy->state == QOS_STORED || copy->state == QOS_UNREADABLE)
        buf_append_str(to, ",\"endTime\":null");
    else
        buf_printf(to, ",\"endTime\":%" PRId64, copy->ended);
}
