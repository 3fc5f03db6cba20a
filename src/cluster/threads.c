/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/loop.h"
#include "base/mem.h"
#include "cluster/peers.h"

struct peer {
    struct loop *loop;
    void *context;
    struct mailbox *mailbox; /* NULL when the worker is alone */
};

struct peers {
    size_t count;
    struct hash_key key;
    pthread_barrier_t all;
    atomic_size_t under_way; /* calls that have not been finished */
    struct peer members[];
};

/* A call's way to one worker, or home. */
struct peers_letter {
    struct letter letter;
    struct loop_task task; /* instead of the letter, when the worker is alone */
    struct peers_call *call;
    size_t worker;
};

/* letters[] holds the way home first, then one per worker that the call goes to. */
enum { HOME, FIRST_WORKER };

struct peers *peers_new(size_t workers)
{
    struct peers *peers;

    assert(workers > 0 && workers <= UINT16_MAX);
    peers = mem_zalloc(sizeof(*peers) + workers * sizeof(peers->members[0]));
    peers->count = workers;
    peers->key = hash_key_new();
    if (pthread_barrier_init(&peers->all, NULL, (unsigned)workers) != 0)
        abort(); /* only for want of memory */
    return peers;
}

void peers_free(struct peers *peers)
{
    if (peers == NULL)
        return;
    pthread_barrier_destroy(&peers->all);
    free(peers);
}

size_t peers_count(const struct peers *peers)
{
    return peers->count;
}

void peers_join(struct peers *peers, size_t worker, struct loop *loop, void *context)
{
    struct peer *peer = &peers->members[worker];

    assert(worker < peers->count);
    peer->loop = loop;
    peer->context = context;
    if (peers->count > 1)
        peer->mailbox = mailbox_new(loop, context);
    pthread_barrier_wait(&peers->all);
}

void peers_leave(struct peers *peers, size_t worker)
{
    struct peer *peer = &peers->members[worker];
    size_t under_way;

    /* Until all are here, letters may still come in: even the thread that sent the last call home
     * may not have come back from posting yet. Then all bring every call some way on, and come to
     * rest to see whether one is left: only when none is, the mailboxes may go. */
    pthread_barrier_wait(&peers->all);
    do {
        if (peer->mailbox)
            mailbox_drain(peer->mailbox);
        loop_settle(peer->loop);
        pthread_barrier_wait(&peers->all);
        under_way = atomic_load_explicit(&peers->under_way, memory_order_relaxed);
        pthread_barrier_wait(&peers->all);
    } while (under_way > 0);
    mailbox_free(peer->mailbox);
    peer->mailbox = NULL;
}

static void run_part(struct peers_call *call, size_t worker)
{
    call->run(call, worker, call->peers->members[worker].context);
}

static void open_part(struct letter *letter, void *context)
{
    struct peers_letter *part = container_of(letter, struct peers_letter, letter);

    (void)context; /* the member's, which run_part looks up */
    run_part(part->call, part->worker);
}

static void come_home(struct peers_letter *home)
{
    struct peers_call *call = home->call;
    struct peers *peers = call->peers;

    free(call->letters);
    call->letters = NULL;
    call->finish(call, peers->members[call->origin].context);
    peers_end(peers);
}

static void open_home(struct letter *letter, void *context)
{
    (void)context;
    come_home(container_of(letter, struct peers_letter, letter));
}

static void run_home(struct loop_task *task)
{
    come_home(container_of(task, struct peers_letter, task));
}

static void prepare(struct peers *peers, size_t origin, struct peers_call *call, size_t parts)
{
    peers_begin(peers);
    call->peers = peers;
    call->origin = origin;
    call->letters = mem_zalloc((FIRST_WORKER + parts) * sizeof(call->letters[0]));
    call->letters[HOME] = (struct peers_letter){
        .letter.open = open_home,
        .task.run = run_home,
        .call = call,
        .worker = origin,
    };
    atomic_init(&call->open, parts);
}

static void post_part(struct peers_call *call, struct peers_letter *part, size_t worker)
{
    part->letter.open = open_part;
    part->call = call;
    part->worker = worker;
    mailbox_post(call->peers->members[worker].mailbox, &part->letter);
}

void peers_call_start(struct peers *peers, size_t origin, struct peers_call *call)
{
    prepare(peers, origin, call, peers->count);
    for (size_t worker = 0; worker < peers->count; worker++)
        if (worker != origin)
            post_part(call, &call->letters[FIRST_WORKER + worker], worker);
    run_part(call, origin);
}

void peers_call_one(struct peers *peers, size_t origin, size_t worker, struct peers_call *call)
{
    prepare(peers, origin, call, 1);
    if (worker == origin)
        run_part(call, origin);
    else
        post_part(call, &call->letters[FIRST_WORKER], worker);
}

void peers_call_done(struct peers_call *call)
{
    struct peers_letter *home;
    struct peer *origin;

    /* Whoever is not the last must not look at the call again: it may be gone. */
    if (atomic_fetch_sub_explicit(&call->open, 1, memory_order_acq_rel) != 1)
        return;
    home = &call->letters[HOME];
    origin = &call->peers->members[call->origin];
    if (origin->mailbox == NULL)
        loop_defer(origin->loop, &home->task);
    else
        mailbox_post(origin->mailbox, &home->letter);
}

void peers_post(struct peers *peers, size_t worker, struct letter *letter)
{
    mailbox_post(peers->members[worker].mailbox, letter);
}

void peers_begin(struct peers *peers)
{
    atomic_fetch_add_explicit(&peers->under_way, 1, memory_order_relaxed);
}

void peers_end(struct peers *peers)
{
    atomic_fetch_sub_explicit(&peers->under_way, 1, memory_order_relaxed);
}

const struct hash_key *peers_key(const struct peers *peers)
{
    return &peers->key;
}
