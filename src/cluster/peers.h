/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLUSTER_PEERS_H
#define CLUSTER_PEERS_H
/*
 * The other workers of this process, and (later) the other nodes. One idea: a call runs once in
 * every worker, each writes its result into its own slot, and the worker that asked finishes it
 * when all have. No locks; a pointer crosses threads only inside a call.
 */
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mailbox.h"

struct hash_key;
struct letter;
struct loop;
struct peers;
struct peers_call;

/* The set of workers. Made once, before their threads start. */
struct peers *peers_new(size_t workers);
void peers_free(struct peers *peers);
size_t peers_count(const struct peers *peers);

/* Each worker joins from its own thread (context is handed to its part of every call), and waits
 * there until all have. It leaves when its loop has stopped and before what calls work on is
 * freed, and waits again until all do. Calls still under way are finished then, and those that
 * they lead to: parts that wait for a task or a hook of their loop are waited for. None may wait
 * for a timer or a descriptor then. */
void peers_join(struct peers *peers, size_t worker, struct loop *loop, void *context);
void peers_leave(struct peers *peers, size_t worker);

/* Where a call's answer comes together. Embed it first in the struct of the concrete call. */
struct peers_call {
    struct peers *peers;
    size_t origin; /* the worker that asked */
    /* Runs in each worker's thread. Must lead to peers_call_done(call), then or later there. */
    void (*run)(struct peers_call *call, size_t worker, void *context);
    /* Runs in the origin's thread, when every worker is done; owns the call. Never before
     * peers_call_start has returned. */
    void (*finish)(struct peers_call *call, void *context);
    atomic_size_t open;
    struct peers_letter *letters; /* one per worker, and one home */
};

/* From the origin's thread. The origin's own part runs at once, inside this call. Calls from one
 * origin reach each other worker in the order in which they were started. */
void peers_call_start(struct peers *peers, size_t origin, struct peers_call *call);
void peers_call_done(struct peers_call *call);

/* The same for one worker only (which may be the origin): for work that has an owner. */
void peers_call_one(struct peers *peers, size_t origin, size_t worker, struct peers_call *call);

/* A letter to another worker, behind all that this one has sent there; opened with its context. */
void peers_post(struct peers *peers, size_t worker, struct letter *letter);
/* Something is under way that peers_leave() waits for; it is over. From any thread. */
void peers_begin(struct peers *peers);
void peers_end(struct peers *peers);

/* The key of this process, by which connections name the worker that they live on. */
const struct hash_key *peers_key(const struct peers *peers);

#endif
