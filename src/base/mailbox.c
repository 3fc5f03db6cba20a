/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mailbox.h"

#include <ev.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/loop.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/test_clock.h"

#define ITEMS_PER_CHECK 8u

/* Senders push onto a stack; the owner takes the whole stack in one exchange, so that the ABA
 * problem of single pops cannot arise, and turns it round. */
struct mailbox {
    _Atomic(struct mailbox_item *) newest;
    struct loop *loop;
    struct ev_async arrival;
    void *context;
    bool is_held;
    struct mailbox_item *oldest, *latest; /* taken from there, and not yet received: the owner's */
};

/* Behind those that were taken before. */
static void take_in_order(struct mailbox *mailbox)
{
    struct mailbox_item *item =
        atomic_exchange_explicit(&mailbox->newest, NULL, memory_order_acquire);
    struct mailbox_item *latest = item;
    struct mailbox_item *oldest = NULL;

    while (item != NULL) {
        struct mailbox_item *older = item->next;

        item->next = oldest;
        oldest = item;
        item = older;
    }
    if (oldest == NULL)
        return;
    if (mailbox->oldest != NULL)
        mailbox->latest->next = oldest;
    else
        mailbox->oldest = oldest;
    mailbox->latest = latest;
}

static void receive_some(struct mailbox *mailbox, struct slice *slice)
{
    struct mailbox_item *item;
    uint64_t received = 0;

    while (!slice_is_over(slice) && !mailbox->is_held && (item = mailbox->oldest) != NULL) {
        mailbox->oldest = item->next; /* its receiver may free it */
        item->receive(item, mailbox->context);
        received++;
        (void)slice_spend(slice);
    }
    loop_count_messages(mailbox->loop, received);
}

static void on_arrival(struct ev_loop *ev, struct ev_async *arrival, int events)
{
    struct mailbox *mailbox = container_of(arrival, struct mailbox, arrival);
    struct slice slice = slice_new(SLICE_NS, MAILBOX_ITEMS_PER_TURN, ITEMS_PER_CHECK);

    (void)events;
    take_in_order(mailbox);
    receive_some(mailbox, &slice);
    if (mailbox->oldest != NULL && !mailbox->is_held)
        ev_async_send(ev, arrival); /* the next turn goes on, and does not wait */
}

void mailbox_hold(struct mailbox *mailbox, bool is_held)
{
    mailbox->is_held = is_held;
    if (!is_held)
        ev_async_send(loop_ev(mailbox->loop), &mailbox->arrival);
}

struct mailbox *mailbox_new(struct loop *loop, void *context)
{
    struct mailbox *mailbox = mem_zalloc(sizeof(*mailbox));

    atomic_init(&mailbox->newest, NULL);
    mailbox->loop = loop;
    mailbox->context = context;
    ev_async_init(&mailbox->arrival, on_arrival);
    ev_async_start(loop_ev(mailbox->loop), &mailbox->arrival);
    return mailbox;
}

void mailbox_free(struct mailbox *mailbox)
{
    if (mailbox == NULL)
        return;
    mailbox_drain(mailbox);
    ev_async_stop(loop_ev(mailbox->loop), &mailbox->arrival);
    free(mailbox);
}

void mailbox_drain(struct mailbox *mailbox)
{
    struct slice slice = slice_without_end();

    do {
        mailbox->is_held = false;
        take_in_order(mailbox);
        receive_some(mailbox, &slice);
    } while (!mailbox_is_empty(mailbox));
}

bool mailbox_is_empty(const struct mailbox *mailbox)
{
    return mailbox->oldest == NULL &&
           atomic_load_explicit(&mailbox->newest, memory_order_acquire) == NULL;
}

void mailbox_post(struct mailbox *mailbox, struct mailbox_item *item)
{
    mailbox_post_chain(mailbox, item, item);
}

void mailbox_post_chain(struct mailbox *mailbox, struct mailbox_item *newest,
                        struct mailbox_item *oldest)
{
    struct mailbox_item *before = atomic_load_explicit(&mailbox->newest, memory_order_relaxed);

    test_clock_note_post();
    do
        oldest->next = before;
    while (!atomic_compare_exchange_weak_explicit(&mailbox->newest, &before, newest,
                                                  memory_order_release, memory_order_relaxed));
    /* From here on the items are the receiver's and may be gone. Who found the mailbox empty wakes
     * the loop; for the others somebody has. */
    if (before == NULL)
        ev_async_send(loop_ev(mailbox->loop), &mailbox->arrival);
}
