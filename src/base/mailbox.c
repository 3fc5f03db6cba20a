/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mailbox.h"

#include <ev.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/loop.h"
#include "base/mem.h"
#include "base/test_clock.h"

/* Senders push onto a stack; the owner takes the whole stack in one exchange, so that the ABA
 * problem of single pops cannot arise, and turns it round. */
struct mailbox {
    _Atomic(struct letter *) newest;
    struct ev_loop *ev;
    struct ev_async arrival;
    void *context;
};

static struct letter *take_in_order(struct mailbox *mailbox)
{
    struct letter *letter = atomic_exchange_explicit(&mailbox->newest, NULL, memory_order_acquire);
    struct letter *oldest = NULL;

    while (letter != NULL) {
        struct letter *older = letter->next;

        letter->next = oldest;
        oldest = letter;
        letter = older;
    }
    return oldest;
}

static void open_batch(struct mailbox *mailbox)
{
    struct letter *letter = take_in_order(mailbox);

    while (letter != NULL) {
        struct letter *next = letter->next; /* opening may free the letter */

        letter->open(letter, mailbox->context);
        letter = next;
    }
}

static void on_arrival(struct ev_loop *ev, struct ev_async *arrival, int events)
{
    (void)ev;
    (void)events;
    open_batch(container_of(arrival, struct mailbox, arrival));
}

struct mailbox *mailbox_new(struct loop *loop, void *context)
{
    struct mailbox *mailbox = mem_zalloc(sizeof(*mailbox));

    atomic_init(&mailbox->newest, NULL);
    mailbox->ev = loop_ev(loop);
    mailbox->context = context;
    ev_async_init(&mailbox->arrival, on_arrival);
    ev_async_start(mailbox->ev, &mailbox->arrival);
    return mailbox;
}

void mailbox_free(struct mailbox *mailbox)
{
    if (mailbox == NULL)
        return;
    mailbox_drain(mailbox);
    ev_async_stop(mailbox->ev, &mailbox->arrival);
    free(mailbox);
}

void mailbox_drain(struct mailbox *mailbox)
{
    while (atomic_load_explicit(&mailbox->newest, memory_order_relaxed) != NULL)
        open_batch(mailbox);
}

void mailbox_post(struct mailbox *mailbox, struct letter *letter)
{
    struct letter *before = atomic_load_explicit(&mailbox->newest, memory_order_relaxed);

    test_clock_note_post();
    do
        letter->next = before;
    while (!atomic_compare_exchange_weak_explicit(&mailbox->newest, &before, letter,
                                                  memory_order_release, memory_order_relaxed));
    /* From here on the letter is the receiver's and may be gone. Who found the box empty rings;
     * for the others the bell has been rung already. */
    if (before == NULL)
        ev_async_send(mailbox->ev, &mailbox->arrival);
}
