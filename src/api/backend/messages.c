/* SPDX-License-Identifier: Apache-2.0 */
#include "api/backend/messages.h"

#include <errno.h>
#include <stdlib.h>

#include "api/body_kind.h"
#include "api/tenancy.h"
#include "base/json.h"
#include "base/mem.h"

static size_t count_of(const json_t *body)
{
    return json_is_array(body) ? json_array_size(body) : 1;
}

static struct messages *messages_new(const json_t *body)
{
    const size_t count = count_of(body);
    const size_t taken = count <= MESSAGES_MOST ? count : 0;
    struct messages *messages = mem_zalloc(sizeof(*messages) + taken * sizeof(messages->items[0]));

    messages->is_array = json_is_array(body);
    messages->is_other = !messages->is_array && !json_is_object(body);
    messages->count = count;
    return messages;
}

/* Back ends know a token as it was shown; the registry, by the name that its user has. */
static void name_tokens(const struct body_rules *rules, const struct sse_target *target)
{
    for (size_t i = 0; rules->name_token && target->dimension == SSE_BY_TOKEN && i < target->count;
         i++)
        rules->name_token(target->values[i]);
}

void message_text_write(struct broker_stored_text *text, struct sse_message *message)
{
    sse_target_unite(&message->target);
    text->json = sse_message_to_json(message, &text->length, &text->digest);
    if (text->json)
        sse_message_forget_data(message);
}

static void read_message(struct messages *messages, const struct body_rules *rules,
                         const json_t *object)
{
    struct messages_item *item = &messages->items[messages->read];

    messages->status = sse_message_from_json(&item->message, object, &rules->bounds,
                                             messages->fault, sizeof(messages->fault));
    if (messages->status < 0)
        return;
    messages->read++;
    if (rules->tenants && !tenancy_covers(rules->tenants, &item->message->target)) {
        messages->status = -EACCES;
        return;
    }
    name_tokens(rules, &item->message->target);
    if (item->message->is_stored)
        message_text_write(&item->text, item->message);
}

static void read_body(struct body_reading *reading)
{
    struct messages *messages;
    json_t *body = NULL;

    if (reading->length > 0)
        body = json_parse_by(&sse_message_json, reading->text, reading->length, &reading->fault);
    if (!body)
        return;
    json_drop_nulls(body);
    messages = messages_new(body);
    if (!messages->is_other && messages->count <= MESSAGES_MOST) {
        for (size_t i = 0; i < messages->count && messages->status == 0; i++)
            read_message(messages, &reading->rules,
                         messages->is_array ? json_array_get(body, i) : body);
    }
    json_decref(body);
    reading->made = messages;
}

static void release(struct body_reading *reading)
{
    struct messages *messages = reading->made;

    for (size_t i = 0; messages && i < messages->read; i++) {
        sse_message_unref(messages->items[i].message);
        free(messages->items[i].text.json);
    }
    free(messages);
}

const struct body_kind messages_kind = {read_body, release};
