/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_MAILBOX_H
#define BASE_MAILBOX_H
/*
 * Messages from any thread to the thread of one loop, handed over in order of arrival and in
 * batches: one wake-up serves all that came in meanwhile, but no more than a turn has time for; the
 * rest comes first in the next one. Posting takes no lock.
 */
#include <stdbool.h>

#define MAILBOX_ITEMS_PER_TURN 1024u

struct loop;
struct mailbox;

/* Embed it in the message; receive() finds that by container_of(). */
struct mailbox_item {
    struct mailbox_item *next;
    void (*receive)(struct mailbox_item *item,
                    void *context); /* runs in the receiver's thread; owns it */
};

/* context is handed to the receive() of every item. */
struct mailbox *mailbox_new(struct loop *loop, void *context);

/* The owner's thread only, when nobody can post any more. Items still inside are received first. */
void mailbox_free(struct mailbox *mailbox);

/* Receives what is inside now, without the loop, held or not: for an owner whose loop has stopped.
 */
void mailbox_drain(struct mailbox *mailbox);

/* While it is held nothing is received: items wait, in their order. The owner's thread only. */
void mailbox_hold(struct mailbox *mailbox, bool is_held);

/* Whether nothing waits inside. The owner's thread only. */
bool mailbox_is_empty(const struct mailbox *mailbox);

void mailbox_post(struct mailbox *mailbox, struct mailbox_item *item);
/* Several at once, each linked to the one that is to be received before it: with one wake-up at the
 * most, and the receiver finds all or none. */
void mailbox_post_chain(struct mailbox *mailbox, struct mailbox_item *newest,
                        struct mailbox_item *oldest);

#endif
