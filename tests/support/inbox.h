/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_INBOX_H
#define SUPPORT_INBOX_H
/* Messages that wait for a test to let their receiver have them. */
#include <stdbool.h>

#include "base/mem.h"
#include "broker/broker.h"

struct inbox {
    struct mailbox_item *first, **end;
};

static inline void inbox_init(struct inbox *inbox)
{
    inbox->first = NULL;
    inbox->end = &inbox->first;
}

static inline void inbox_post(struct inbox *inbox, struct broker_message *message)
{
    message->item.next = NULL;
    *inbox->end = &message->item;
    inbox->end = &message->item.next;
}

static inline bool inbox_is_empty(const struct inbox *inbox)
{
    return inbox->first == NULL;
}

/* NULL: there is none. */
static inline struct broker_message *inbox_take(struct inbox *inbox)
{
    struct mailbox_item *item = inbox->first;

    if (!item)
        return NULL;
    inbox->first = item->next;
    if (!inbox->first)
        inbox->end = &inbox->first;
    return container_of(item, struct broker_message, item);
}

/* A transport between workers, whose context is an array of pointers to their inboxes. */
static inline void inboxes_post(void *context, size_t to, struct broker_message *message)
{
    inbox_post(((struct inbox **)context)[to], message);
}

static inline bool inboxes_is_empty(void *context, size_t worker)
{
    return inbox_is_empty(((struct inbox **)context)[worker]);
}

/* False: there was none. */
static inline bool inbox_read(struct inbox *inbox, struct broker *broker)
{
    struct broker_message *message = inbox_take(inbox);

    if (message)
        broker_receive(broker, message);
    return message != NULL;
}

#endif
