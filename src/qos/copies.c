/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/copies.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sse/message.h"

#define MIN_CAPACITY 8u

const char *const qos_state_words[QOS_STATES] = {
    [QOS_STORED] = "stored",   [QOS_ACKNOWLEDGED] = "acknowledged",
    [QOS_EXPIRED] = "expired", [QOS_DISPLACED] = "displaced",
    [QOS_DELETED] = "deleted", [QOS_UNREADABLE] = "unreadable",
};

const char *const qos_cause_words[QOS_CAUSES] = {
    [QOS_READABLE] = "",
    [QOS_BAD_ROW] = "damaged row",
    [QOS_BAD_MESSAGE] = "not a message",
    [QOS_NO_MEMORY] = "no memory",
};

/* Copies the text to where *at is, and moves that behind it. NULL stays NULL. */
static const char *put_text(char **at, const char *text, size_t length)
{
    char *to = *at;

    if (!text)
        return NULL;
    memcpy(to, text, length);
    to[length] = '\0';
    *at = to + length + 1;
    return to;
}

static const struct qos_message *copy_message(const struct qos_message *message)
{
    const size_t id = strlen(message->id);
    const size_t receipt = strlen(message->receipt);
    const size_t json = message->json ? message->length + 1 : 0;
    struct qos_message *copy = mem_alloc(sizeof(*copy) + id + 1 + receipt + 1 + json);
    char *at = (char *)(copy + 1);

    *copy = *message;
    copy->id = put_text(&at, message->id, id);
    copy->receipt = put_text(&at, message->receipt, receipt);
    copy->json = put_text(&at, message->json, message->length);
    return copy;
}

static struct qos_recipient copy_texts(const struct qos_recipient *recipient, char *at)
{
    struct qos_recipient copy = {.dimension = recipient->dimension};

    copy.value = put_text(&at, recipient->value, strlen(recipient->value));
    copy.listening = put_text(&at, recipient->listening, strlen(recipient->listening));
    return copy;
}

static size_t texts_size(const struct qos_recipient *recipient)
{
    return strlen(recipient->value) + 1 + strlen(recipient->listening) + 1;
}

static const struct qos_message *share_message(const struct qos_copies *copies,
                                               const struct qos_message *message)
{
    const struct qos_message *last =
        copies->count > 0 ? copies->items[copies->count - 1].message : NULL;
    const bool is_same = last && last->number == message->number &&
                         (last->json != NULL) == (message->json != NULL) &&
                         strcmp(last->id, message->id) == 0;

    return is_same ? last : copy_message(message);
}

void qos_copies_add(struct qos_copies *copies, const struct qos_copy *copy)
{
    struct qos_copy item = *copy;

    item.message = share_message(copies, copy->message);
    item.recipient = copy_texts(&copy->recipient, mem_alloc(texts_size(&copy->recipient)));
    item.decoded = NULL;
    qos_copies_take(copies, &item);
}

void qos_copies_take(struct qos_copies *copies, const struct qos_copy *copy)
{
    if (copies->count == copies->capacity) {
        copies->capacity = copies->capacity > 0 ? copies->capacity * 2 : MIN_CAPACITY;
        copies->items = mem_realloc(copies->items, copies->capacity * sizeof(*copies->items));
    }
    copies->items[copies->count++] = *copy;
}

bool qos_copies_visit(void *copies, const struct qos_copy *copy)
{
    qos_copies_add(copies, copy);
    return true;
}

void qos_copies_cut(struct qos_copies *copies, size_t kept, size_t from)
{
    for (size_t i = from; i < copies->count; i++) {
        const struct qos_copy *item = &copies->items[i];

        if (i + 1 == copies->count || item->message != copies->items[i + 1].message)
            free((void *)item->message);
        free((void *)item->recipient.value); /* the beginning of both texts */
        sse_message_unref(item->decoded);
    }
    copies->count = kept;
}

static bool is_message_of(const struct qos_copies *copies, size_t index,
                          const struct qos_message *message)
{
    return index < copies->count && copies->items[index].message == message;
}

void qos_copies_drop(struct qos_copies *copies, size_t index)
{
    struct qos_copy *item = &copies->items[index];

    if (!is_message_of(copies, index - 1, item->message) &&
        !is_message_of(copies, index + 1, item->message))
        free((void *)item->message);
    free((void *)item->recipient.value);
    sse_message_unref(item->decoded);
    memmove(item, item + 1, (--copies->count - index) * sizeof(*item));
}

void qos_copies_release(struct qos_copies *copies)
{
    qos_copies_cut(copies, 0, 0);
    free(copies->items);
    *copies = (struct qos_copies){0};
}

bool qos_recipient_equals(const struct qos_recipient *one, const struct qos_recipient *other)
{
    return one->dimension == other->dimension && strcmp(one->value, other->value) == 0 &&
           strcmp(one->listening, other->listening) == 0;
}

struct qos_recipient *qos_recipient_copy(const struct qos_recipient *recipient)
{
    struct qos_recipient *copy = mem_alloc(sizeof(*copy) + texts_size(recipient));

    *copy = copy_texts(recipient, (char *)(copy + 1));
    return copy;
}

struct qos_recipient qos_recipient_at(const struct sse_target *target, size_t index)
{
    return (struct qos_recipient){
        .dimension = target->dimension,
        .value = target->dimension == SSE_ALL ? "" : target->values[index],
        .listening = target->listening ? target->listening : "",
    };
}

bool qos_recipient_is_individual(const struct qos_recipient *recipient)
{
    return recipient->dimension == SSE_BY_USER || recipient->dimension == SSE_BY_TOKEN ||
           recipient->dimension == SSE_BY_CONNECTION;
}
