/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_INBOX_H
#define SUPPORT_INBOX_H
/* Messages that wait for a test to let their receiver have them. */
#include <stdbool.h>

#include "base/mem.h"
#include "broker/broker.h"

struct inbox {
    struct letter *first, **end;
};

static inline void inbox_init(struct inbox *inbox)
{
    inbox->first = NULL;
    inbox->end = &inbox->first;
}

static inline void inbox_post(struct inbox *inbox, struct broker_message *message)
{
    message->letter.next = NULL;
    *inbox->end = &message->letter;
    inbox->end = &message->letter.next;
}

/* NULL: there is none. */
static inline struct broker_message *inbox_take(struct inbox *inbox)
{
    struct letter *letter = inbox->first;

    if (!letter)
        return NULL;
    inbox->first = letter->next;
    if (!inbox->first)
        inbox->end = &inbox->first;
    return container_of(letter, struct broker_message, letter);
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
