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

#define OPENED_PER_CHECK 8u

/* Senders push onto a stack; the owner takes the whole stack in one exchange, so that the ABA
 * problem of single pops cannot arise, and turns it round. */
struct mailbox {
    _Atomic(struct letter *) newest;
    struct loop *loop;
    struct ev_loop *ev;
    struct ev_async arrival;
    void *context;
    bool is_held;
    struct letter *oldest, *latest; /* taken from there, and not yet opened: the owner's */
};

/* Behind those that were taken before. */
static void take_in_order(struct mailbox *mailbox)
{
    struct letter *letter = atomic_exchange_explicit(&mailbox->newest, NULL, memory_order_acquire);
    struct letter *latest = letter;
    struct letter *oldest = NULL;

    while (letter != NULL) {
        struct letter *older = letter->next;

        letter->next = oldest;
        oldest = letter;
        letter = older;
    }
    if (oldest == NULL)
        return;
    if (mailbox->oldest != NULL)
        mailbox->latest->next = oldest;
    else
        mailbox->oldest = oldest;
    mailbox->latest = latest;
}

static void open_some(struct mailbox *mailbox, struct slice *slice)
{
    struct letter *letter;
    uint64_t opened = 0;

    while (!slice_is_over(slice) && !mailbox->is_held && (letter = mailbox->oldest) != NULL) {
        mailbox->oldest = letter->next; /* opening may free the letter */
        letter->open(letter, mailbox->context);
        opened++;
        (void)slice_spend(slice);
    }
    loop_count_messages(mailbox->loop, opened);
}

static void on_arrival(struct ev_loop *ev, struct ev_async *arrival, int events)
{
    struct mailbox *mailbox = container_of(arrival, struct mailbox, arrival);
    struct slice slice = slice_new(SLICE_NS, MAILBOX_OPENED_PER_TURN, OPENED_PER_CHECK);

    (void)events;
    take_in_order(mailbox);
    open_some(mailbox, &slice);
    if (mailbox->oldest != NULL && !mailbox->is_held)
        ev_async_send(ev, arrival); /* the next turn goes on, and does not wait */
}

void mailbox_hold(struct mailbox *mailbox, bool is_held)
{
    mailbox->is_held = is_held;
    if (!is_held)
        ev_async_send(mailbox->ev, &mailbox->arrival);
}

struct mailbox *mailbox_new(struct loop *loop, void *context)
{
    struct mailbox *mailbox = mem_zalloc(sizeof(*mailbox));

    atomic_init(&mailbox->newest, NULL);
    mailbox->loop = loop;
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
    struct slice slice = slice_without_end();

    mailbox->is_held = false;
    do {
        take_in_order(mailbox);
        open_some(mailbox, &slice);
    } while (atomic_load_explicit(&mailbox->newest, memory_order_relaxed) != NULL);
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
