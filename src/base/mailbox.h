/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_MAILBOX_H
#define BASE_MAILBOX_H
/*
 * Letters from any thread to the thread of one loop, handed over in order of arrival and in
 * batches: one wake-up serves all that came in meanwhile, but no more than a turn has time for; the
 * rest comes first in the next one. Posting takes no lock.
 */
#include <stdbool.h>

#define MAILBOX_OPENED_PER_TURN 1024u

struct loop;
struct mailbox;

struct letter {
    struct letter *next;
    void (*open)(struct letter *letter, void *context); /* runs in the receiver's thread; owns it */
};

/* context is handed to every letter that is opened here. */
struct mailbox *mailbox_new(struct loop *loop, void *context);

/* The owner's thread only, when nobody can post any more. Letters still inside are opened first. */
void mailbox_free(struct mailbox *mailbox);

/* Opens what is inside now, without the loop, held or not: for an owner whose loop has stopped. */
void mailbox_drain(struct mailbox *mailbox);

/* While it is held nothing is opened: letters wait, in their order. Of the owner. */
void mailbox_hold(struct mailbox *mailbox, bool is_held);

void mailbox_post(struct mailbox *mailbox, struct letter *letter);

#endif
