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

size_t mailboxes_count(const struct mailboxes *mailboxes)
{
    return mailboxes->count;
}

const struct hash_key *mailboxes_key(const struct mailboxes *mailboxes)
{
    return &mailboxes->key;
}

static void open_message(struct letter *letter, void *context)
{
    broker_receive(context, container_of(letter, struct broker_message, letter));
}

static void post(void *context, size_t to, struct broker_message *message)
{
    struct mailboxes *mailboxes = context;

    message->letter.open = open_message;
    mailbox_post(mailboxes->members[to].mailbox, &message->letter);
}

struct broker *mailboxes_broker_new(struct mailboxes *mailboxes, size_t worker)
{
    const struct broker_transport transport = {post, mailboxes};

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
