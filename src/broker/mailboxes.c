/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/mailboxes.h"

#include <assert.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "base/hash.h"
#include "base/loop.h"
#include "base/mailbox.h"
#include "base/mem.h"

#define LOOK_NS 100000 /* between two looks of a worker that leaves whether the others have */

struct member {
    struct loop *loop;
    struct broker *broker;
    struct mailbox *mailbox;
};

struct mailboxes {
    size_t count;
    struct hash_key key;
    pthread_barrier_t all;
    struct member members[];
};

struct mailboxes *mailboxes_new(size_t workers)
{
    struct mailboxes *mailboxes;

    assert(workers > 0 && workers < UINT16_MAX);
    mailboxes = mem_zalloc(sizeof(*mailboxes) + workers * sizeof(mailboxes->members[0]));
    mailboxes->count = workers;
    mailboxes->key = hash_key_new();
    if (pthread_barrier_init(&mailboxes->all, NULL, (unsigned)workers) != 0)
        abort(); /* only for want of memory */
    return mailboxes;
}

void mailboxes_free(struct mailboxes *mailboxes)
{
    if (!mailboxes)
        return;
    pthread_barrier_destroy(&mailboxes->all);
    free(mailboxes);
}

static void on_item(struct mailbox_item *item, void *context)
{
    broker_receive(context, container_of(item, struct broker_message, item));
}

static void post(void *context, size_t to, struct broker_message *message)
{
    struct mailboxes *mailboxes = context;

    message->item.receive = on_item;
    mailbox_post(mailboxes->members[to].mailbox, &message->item);
}

static bool is_empty(void *context, size_t worker)
{
    const struct mailboxes *mailboxes = context;

    return mailbox_is_empty(mailboxes->members[worker].mailbox);
}

struct broker *mailboxes_broker_new(struct mailboxes *mailboxes, size_t worker)
{
    const struct broker_transport transport = {post, is_empty, mailboxes};

    return broker_new(worker, mailboxes->count, &mailboxes->key, &transport);
}

void mailboxes_join(struct mailboxes *mailboxes, size_t worker, struct loop *loop,
                    struct broker *broker)
{
    assert(worker < mailboxes->count);
    mailboxes->members[worker] = (struct member){loop, broker, mailbox_new(loop, broker)};
    pthread_barrier_wait(&mailboxes->all);
}

void mailboxes_leave(struct mailboxes *mailboxes, size_t worker)
{
    static const struct timespec look = {.tv_nsec = LOOK_NS};
    struct member *member = &mailboxes->members[worker];

    for (;;) {
        mailbox_drain(member->mailbox);
        loop_settle(member->loop); /* nothing of its own is under way then */
        if (broker_stop(member->broker))
            break;
        (void)nanosleep(&look, NULL);
    }
    /* Whoever said that it is over may not have come back from posting that. */
    pthread_barrier_wait(&mailboxes->all);
    mailbox_free(member->mailbox);
    member->mailbox = NULL;
}
